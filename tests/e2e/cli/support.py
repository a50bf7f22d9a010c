"""What the tests of the program share: a home of their own, the shipped tables, a few readers."""

import atexit
import csv
import io
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
TODAY = 1795219200  # 2026-11-21

GPT = "openai/gpt-oss-120b"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"

_tables = {}
_filled = []


def table(name):
    """Rows of a shipped table, as dictionaries of texts."""
    if name not in _tables:
        with open(ROOT / "data" / "catalog" / f"{name}.csv", newline="", encoding="utf-8") as file:
            _tables[name] = list(csv.DictReader(file))
    return _tables[name]


def columns(name):
    return list(table(name)[0])


def points_of(profile):
    if "by profile" not in _tables:
        index = {}
        for row in table("points"):
            index.setdefault(row["profile"], []).append(row)
        _tables["by profile"] = index
    return sorted(_tables["by profile"].get(profile, []), key=lambda row: float(row["load"]))


# What was measured is held to the published tables, so these tests have a catalog of their own without
# the predicted rows; those have tests/e2e/predict.
MEASURED_ONLY = True
_catalog = []


def measured_catalog():
    if not _catalog:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-e2e-catalog-"))
        folder.chmod(0o755)  # some tests run the program as another user
        atexit.register(shutil.rmtree, folder, True)
        (folder / "text").mkdir()
        for file in (ROOT / "data" / "catalog").glob("*.csv"):
            if not file.name.startswith("predicted"):
                shutil.copyfile(file, folder / "text" / file.name)
        subprocess.run([PROGRAM.parent / "kneepoint-catalog-compile", folder / "text",
                        folder / "kneepoint.catalog"], check=True)
        _catalog.append(folder / "kneepoint.catalog")
    return _catalog[0]


def environment(home):
    found = {"HOME": str(home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8",
             "COLUMNS": "100", "SOURCE_DATE_EPOCH": str(TODAY)}
    if MEASURED_ONLY:
        found["KNEEPOINT_CATALOG"] = str(measured_catalog())
    return found


def filled_store():
    """A store that holds the shipped catalog, made once and copied for each test."""
    if not _filled:
        home = pathlib.Path(tempfile.mkdtemp(prefix="kp-e2e-"))
        atexit.register(shutil.rmtree, home, True)
        done = subprocess.run([PROGRAM, "models", "list"], env=environment(home),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stderr
        _filled.append(home / ".local" / "share" / "kneepoint" / "kneepoint.db")
    return _filled[0]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def documents(text):
    return [one for one in yaml.safe_load_all(text) if one is not None]


def usd(amount):
    return int(amount["units"]) + amount["nanos"] / 1e9


def rounded(value):
    return math.floor(value + 0.5)


def nearest_statistic(point, metric):
    """The median, or the statistic nearest to it that was published, and which one it is."""
    for statistic in ("p50", "mean", "p90", "p99"):
        if point.get(f"{metric}_{statistic}_ms"):
            return float(point[f"{metric}_{statistic}_ms"]), statistic
    return None, None


def newest_date(profile_id):
    return max((row["measured_on"] for row in points_of(profile_id)), default="")


def newest_benchmarked(model, server):
    """Serving profiles of the newest version per accelerator and workload."""
    mine = [row for row in table("profiles") if row["model"] == model and
            row["model_server"] == server and row["kind"] == "serving"]
    newest = {}
    for row in mine:
        group = (row["accelerator"], row["workload"])
        version = row["model_server_version"]
        order = (newest_date(row["id"]), [int(part) for part in re.findall(r"\d+", version)[:3]])
        newest[group] = max(newest.get(group, (("", []), "")), (order, version))
    return [row for row in mine if row["model_server_version"] ==
            newest[(row["accelerator"], row["workload"])][1]]


class Case(unittest.TestCase):
    """Each test has a home of its own, with the shipped catalog loaded unless `fresh`."""

    fresh = False
    maxDiff = 4000

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kp-e2e-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.store = self.home / ".local" / "share" / "kneepoint" / "kneepoint.db"
        if not self.fresh:
            self.store.parent.mkdir(parents=True)
            shutil.copyfile(filled_store(), self.store)

    def run_program(self, *arguments, env=None, stdin=None, **others):
        settings = environment(self.home)
        settings.update(env or {})
        return subprocess.run([str(PROGRAM), *map(str, arguments)], env=settings,
                              input=stdin if stdin is not None else "", capture_output=True,
                              text=True, timeout=60, check=False, cwd=self.home, **others)

    def good(self, *arguments, **others):
        done = self.run_program(*arguments, **others)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stderr}")
        return done.stdout

    def notes(self, *arguments, **others):
        done = self.run_program(*arguments, **others)
        self.assertEqual(done.returncode, 0, f"{arguments}\n{done.stderr}")
        return done.stderr

    def json(self, *arguments, **others):
        return json.loads(self.good(*arguments, "--format=json", **others))

    def refused(self, status, *arguments, **others):
        """The one sentence on standard error of a command that fails."""
        done = self.run_program(*arguments, **others)
        self.assertEqual(done.returncode, status, f"{arguments}\n{done.stdout}{done.stderr}")
        self.assertEqual(done.stdout, "", arguments)
        lines = done.stderr.splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("kneepoint: ")]), 1, lines)
        self.assertTrue(lines[-1].startswith("kneepoint: "), lines)
        self.assertNotRegex(done.stderr, r"terminate called|Sanitizer|core dumped|what\(\)")
        return lines[-1][len("kneepoint: "):]

    def folder(self, name, **tables):
        """A catalog folder: each table a list of dictionaries, missing columns empty."""
        path = self.home / name
        path.mkdir(parents=True, exist_ok=True)
        for title, content in tables.items():
            with open(path / f"{title}.csv", "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, columns(title), lineterminator="\n")
                writer.writeheader()
                writer.writerows({name: row.get(name, "") for name in columns(title)}
                                 for row in content)
        return path


def price_row(item, on_demand, **others):
    row = {"provider": "gcp", "region": "us-central1", "item": item, "unit": "vm_hour",
           "covers": "machine", "on_demand": str(on_demand), "source": "our contract",
           "as_of": "2026-11-01", "confidence": "sourced"}
    row.update(others)
    return row


# --- An independent reading of the pricing rules ---

def _angle(a, b):
    la, lo, lb, ob = (math.radians(float(x)) for x in
                      (a["latitude"], a["longitude"], b["latitude"], b["longitude"]))
    cosine = math.sin(la) * math.sin(lb) + math.cos(la) * math.cos(lb) * math.cos(lo - ob)
    return math.acos(max(-1.0, min(1.0, cosine)))


def _newest(item, region, covers, column):
    found = [row for row in table("prices") if row["provider"] == "gcp" and row["item"] == item and
             row["region"] == region and row["covers"] == covers and row[column]]
    return max(found, key=lambda row: (row["as_of"], row["confidence"] == "sourced"), default=None)


def google_price(accelerator, count, pricing_model, region="", whole=False):
    """(dollars per replica and hour, machine type, region) of the cheapest share, or None."""
    column = {"on-demand": "on_demand", "spot": "spot", "1-year-cud": "cud_1y",
              "3-years-cud": "cud_3y"}[pricing_model]
    places = {row["region"]: row for row in table("regions") if row["provider"] == "gcp"}
    offers = []
    for machine in table("machines"):
        if machine["provider"] != "gcp" or machine["accelerator"] != accelerator:
            continue
        if column == "on_demand" and machine["on_demand"] != "yes":
            continue
        has = float(machine["accelerator_count"])
        if has < count and (has < 1 or has != int(has)):
            continue
        home = "us-central1" if machine["family"].startswith("a3") else "us-east5"
        for item, covers, factor in ((machine["machine_type"], "machine", 1),
                                     (accelerator, "accelerator_with_host", has)):
            wanted = [region] if region else sorted(
                places, key=lambda name: (_angle(places[home], places[name]), name))
            row = next((row for row in (_newest(item, place, covers, column) for place in wanted)
                        if row), None)
            if row:
                break
        if not row:
            continue
        if has < count:
            machines = math.ceil(count / has)
        else:
            machines = 1 if whole else 1 / math.floor(has / count)
        size = has * machines
        hourly = float(row[column]) * factor * machines
        cents = rounded(hourly * 1000)  # less than a tenth of a cent apart is the same price
        order = (machines > 1, size, cents) if whole else (machines > 1, cents, has)
        offers.append((order, hourly, machine["machine_type"], row["region"]))
    return min(offers)[1:] if offers else None


def first_day(date):
    """The oldest a statement of this date can be: what may be old counts as old."""
    return {4: date + "-01-01", 7: date + "-01"}.get(len(date), date)


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)]
