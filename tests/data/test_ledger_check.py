"""The importer and its check: the committed catalog passes, damaged copies do not."""

import csv
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOG = ROOT / "data" / "catalog"
SAMPLE = ROOT / "tests" / "data" / "published_sample.jsonl"
TABLES = ["profiles.csv", "points.csv", "ceilings.csv"]
POINTS = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
KEPT = [p for p in POINTS if not p["left_out"] and p["file"] != "peak_points.csv"]


def run(tool, *arguments):
    return subprocess.run([sys.executable, ROOT / "tools" / tool, *map(str, arguments)],
                          capture_output=True, text=True, check=False)


def read(path):
    rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
    return rows[0], [dict(zip(rows[0], row)) for row in rows[1:]]


def write(path, columns, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)


class LedgerCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in [*TABLES, "ledger.json"]:
            shutil.copy(CATALOG / name, self.folder)

    def check(self):
        return run("catalog_ledger_check.py", self.folder, SAMPLE)

    def change(self, table, edit):
        """Edits one table and makes its hash in the ledger agree, so only the rows can tell."""
        columns, rows = read(self.folder / table)
        write(self.folder / table, columns, edit(rows))
        ledger = json.loads((self.folder / "ledger.json").read_text())
        data = (self.folder / table).read_bytes()
        ledger["outputs"][table]["sha256"] = hashlib.sha256(data).hexdigest()
        (self.folder / "ledger.json").write_text(json.dumps(ledger))

    def fails(self, *parts):
        result = self.check()
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        for part in parts:
            self.assertIn(part, result.stdout)

    def set_cell(self, table, key, name, column, value):
        def edit(rows):
            [row] = [row for row in rows if row[key] == name]
            self.assertNotEqual(row[column], value)
            row[column] = value
            return rows
        self.change(table, edit)

    def test_catalog_as_committed(self):
        result = self.check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_sample_covers_what_it_should(self):
        self.assertGreaterEqual(len(POINTS), 30)
        self.assertGreaterEqual(sum(bool(p["row"].get("flags")) for p in KEPT), 5)
        for prefix in ("disagg", "spec"):
            self.assertGreaterEqual(sum(p["file"].startswith(prefix) for p in KEPT), 3)
        self.assertEqual({p["left_out"] for p in POINTS},
                         {None, "licence_not_stated", "load_not_recorded"})

    def test_any_byte(self):
        path = self.folder / "points.csv"
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
        self.fails("points.csv: its sha256 is not the ledger's")

    def test_changed_figure(self):
        for row in (p["row"] for p in KEPT):
            if row["tpot_mean_ms"]:
                break
        self.set_cell("points.csv", "point_id", row["point_id"], "tpot_mean_ms", "1.25")
        self.fails(f"{row['point_id']}: tpot_mean_ms is '{row['tpot_mean_ms']}'")

    def test_figure_in_other_notation(self):
        row = KEPT[0]["row"]
        self.set_cell("points.csv", "point_id", row["point_id"], "load", row["load_value"] + ".0")
        self.fails(f"{row['point_id']}: load_value")

    def test_dropped_flag(self):
        row = next(p["row"] for p in KEPT if ";" in p["row"]["flags"])
        fewer = row["flags"].rpartition(";")[0]
        self.set_cell("points.csv", "point_id", row["point_id"], "flags", fewer)
        self.fails(f"{row['point_id']}: flags")

    def test_dropped_evidence(self):
        row = KEPT[-1]["row"]
        self.set_cell("points.csv", "point_id", row["point_id"], "source_ref", "")
        self.fails(f"{row['point_id']}: source_ref")

    def test_changed_setup(self):
        row = KEPT[0]["row"]
        _, points = read(self.folder / "points.csv")
        profile = next(p["profile"] for p in points if p["point_id"] == row["point_id"])
        self.set_cell("profiles.csv", "id", profile, "weight_precision", "fp2")
        self.fails(f"{row['point_id']}: weight_precision")

    def test_changed_ceiling(self):
        row = next(p["row"] for p in POINTS
                   if p["file"] == "peak_points.csv" and not p["left_out"])
        self.set_cell("ceilings.csv", "point_id", row["point_id"],
                      "output_tokens_per_second", "1e9")
        self.fails(f"{row['point_id']}: output_tokens_per_second")

    def test_removed_row(self):
        name = KEPT[0]["row"]["point_id"]
        self.change("points.csv", lambda rows: [r for r in rows if r["point_id"] != name])
        self.fails(f"{name} is not in the catalog", "source rows were kept")

    def test_removed_row_outside_the_sample(self):
        sampled = {p["row"]["point_id"] for p in POINTS}

        def edit(rows):
            rows.remove(next(r for r in rows if r["point_id"] not in sampled))
            return rows
        self.change("points.csv", edit)
        self.fails(f"points.csv: {len(read(self.folder / 'points.csv')[1])} rows, the ledger says")

    def test_repeated_row(self):
        self.change("ceilings.csv", lambda rows: rows + rows[:1])
        self.fails("is there 2 times")

    def test_removed_profile(self):
        _, profiles = read(self.folder / "profiles.csv")
        name = profiles[0]["id"]
        self.change("profiles.csv", lambda rows: rows[1:])
        self.fails(f"no profile {name}")

    def test_left_out_row_that_slipped_in(self):
        name = next(p["row"]["point_id"] for p in POINTS if p["left_out"])

        def edit(rows):
            rows[0]["point_id"] = name
            return rows
        self.change("points.csv", edit)
        self.fails(f"{name} is in the catalog, but was left out")

    def test_ledger_that_does_not_add_up(self):
        path = self.folder / "ledger.json"
        ledger = json.loads(path.read_text())
        noted = ledger["inputs"]["serving_points.csv"]
        noted["left_out"]["licence_not_stated"] -= 1
        path.write_text(json.dumps(ledger))
        self.fails(f"serving_points.csv: {noted['rows']} rows, but {noted['kept']} kept")


class Importer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source, self.out = self.folder / "in", self.folder / "out"
        self.source.mkdir()
        self.out.mkdir()
        self.rows = {}
        for point in POINTS:
            self.rows.setdefault(point["file"], []).append(dict(point["row"]))
        self.write()

    def write(self):
        for file, rows in self.rows.items():
            write(self.source / file, max(rows, key=len).keys(), rows)

    def convert(self, *more):
        return run("import_published.py", self.source, "--out", self.out, *more)

    def test_sampled_rows_come_through(self):
        result = self.convert()
        self.assertEqual(result.returncode, 0, result.stderr)
        first = {path.name: path.read_bytes() for path in self.out.iterdir()}
        check = run("catalog_ledger_check.py", self.out, SAMPLE)
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        self.convert()
        self.assertEqual(first, {path.name: path.read_bytes() for path in self.out.iterdir()})

    def test_order_of_source_rows_does_not_matter(self):
        self.convert()
        first = {name: (self.out / name).read_bytes() for name in TABLES}
        for rows in self.rows.values():
            rows.reverse()
        self.write()
        self.convert()
        self.assertEqual(first, {name: (self.out / name).read_bytes() for name in TABLES})

    def test_one_series_with_two_setups_becomes_two_profiles(self):
        rows = self.rows["serving_points.csv"]
        twin = dict(rows[0], point_id="p-twin", tensor_parallel="77")
        rows.append(twin)
        self.write()
        self.assertEqual(self.convert().returncode, 0)
        _, profiles = read(self.out / "profiles.csv")
        self.assertEqual([p["id"] for p in profiles if p["series_id"] == twin["series_id"]],
                         [twin["series_id"] + "-1", twin["series_id"] + "-2"])

    def test_settings_that_vary_stay_with_their_points(self):
        rows = self.rows["serving_points.csv"]
        rows[0]["server_settings"] = "a=1"
        rows.append(dict(rows[0], point_id="p-b", server_settings="a=2"))
        rows.append(dict(rows[0], point_id="p-c", server_settings="a=1"))
        self.write()
        self.convert()
        _, points = read(self.out / "points.csv")
        own = {p["point_id"]: p["server_settings"] for p in points}
        self.assertEqual([own[rows[0]["point_id"]], own["p-b"], own["p-c"]], ["", "a=2", ""])

    def test_figure_that_is_no_number(self):
        self.rows["serving_points.csv"][0]["ttft_mean_ms"] = "fast"
        self.write()
        result = self.convert()
        self.assertEqual(result.returncode, 1)
        self.assertIn("ttft_mean_ms is not a number: 'fast'", result.stderr)

    def test_same_point_twice(self):
        rows = self.rows["serving_points.csv"]
        rows.append(rows[0])
        self.write()
        result = self.convert()
        self.assertEqual(result.returncode, 1)
        self.assertIn("is already in serving_points.csv", result.stderr)

    def test_missing_file(self):
        (self.source / "peak_points.csv").unlink()
        result = self.convert()
        self.assertEqual(result.returncode, 1)
        self.assertIn("peak_points.csv: No such file", result.stderr)

    def test_usage(self):
        self.assertEqual(run("import_published.py").returncode, 2)
        self.assertEqual(run("import_published.py", self.folder / "nowhere").returncode, 2)


if __name__ == "__main__":
    unittest.main()
