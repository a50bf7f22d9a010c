#!/usr/bin/env python3
"""Holds the imported catalog tables against their ledger and against a sample of source rows.

The ledger part recounts rows and hashes. The sample part looks up every sampled source row and
compares it column by column, written apart from the importer so that one error is not in both.
Prints every difference; exit status 1 when there is any.
"""

import argparse
import collections
import csv
import hashlib
import io
import json
import pathlib
import sys

CEILING_INPUT = "peak_points.csv"
NOT_A_LICENCE = ("", "none stated")
KIND_OF_FILE = {"serving": "serving", "spec": "speculative", "disagg": "disaggregated"}

# Source columns found under another name.
OTHER_NAME = {"source_licence": "licence", "load_value": "load"}
# Source columns the catalog does without: which rows a fit may use is not the catalog's matter.
NOT_IN_POINTS = {"split"}
# A ceiling is a throughput alone: no latency, no request counts, no curve.
NOT_IN_CEILINGS = {
    "split", "curve_id", "series_id", "speculative_decoding", "input_tokens_nominal",
    "output_tokens_nominal", "request_count", "error_count", "server_settings",
    *(f"{metric}_{statistic}_ms" for metric in ("ttft", "tpot", "itl", "ntpot", "e2e")
      for statistic in ("mean", "p50", "p90", "p99"))}


class Catalog:
    """The generated tables, and what is wrong with them as files."""

    def __init__(self, folder):
        self.wrong = []
        self.ledger = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
        self.rows = {}
        for name in ("profiles.csv", "points.csv", "ceilings.csv"):
            self.rows[name] = self.read(folder / name)
        self.profiles = {row["id"]: row for row in self.rows["profiles.csv"]}
        self.points = {row["point_id"]: row for row in self.rows["points.csv"]}
        self.ceilings = {row["point_id"]: row for row in self.rows["ceilings.csv"]}

    def read(self, path):
        data = path.read_bytes()
        if b"\r" in data:
            self.wrong.append(f"{path.name}: a carriage return")
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
        for number, row in enumerate(rows, 2):
            if None in row or None in row.values():
                self.wrong.append(f"{path.name}: row {number} is not as wide as the header")
        noted = self.ledger["outputs"][path.name]
        if len(rows) != noted["rows"]:
            self.wrong.append(f"{path.name}: {len(rows)} rows, the ledger says {noted['rows']}")
        if hashlib.sha256(data).hexdigest() != noted["sha256"]:
            self.wrong.append(f"{path.name}: its sha256 is not the ledger's")
        return rows


def check_counts(catalog):
    wrong = []
    ledger = catalog.ledger
    expected = collections.Counter()
    for file, noted in sorted(ledger["inputs"].items()):
        left_out = sum(noted["left_out"].values())
        if noted["rows"] != noted["kept"] + left_out:
            wrong.append(f"{file}: {noted['rows']} rows, but {noted['kept']} kept and "
                         f"{left_out} left out")
        expected["ceilings" if file == CEILING_INPUT else "points"] += noted["kept"]
    for what in ("profiles", "points", "ceilings"):
        rows = catalog.rows[what + ".csv"]
        if ledger["totals"][what] != len(rows):
            wrong.append(f"{what}: {len(rows)} rows, the total says {ledger['totals'][what]}")
        if what in expected and len(rows) != expected[what]:
            wrong.append(f"{what}: {len(rows)} rows, but {expected[what]} source rows were kept")
        key = "id" if what == "profiles" else "point_id"
        for name, times in collections.Counter(row[key] for row in rows).items():
            if times > 1:
                wrong.append(f"{what}: {name} is there {times} times")
    used = {row["profile"] for row in catalog.rows["points.csv"]}
    wrong += [f"points: no profile {name}" for name in sorted(used - catalog.profiles.keys())]
    wrong += [f"profiles: {name} has no point" for name in sorted(catalog.profiles.keys() - used)]
    return wrong


def stored(catalog, file, point_id):
    """What the catalog holds of one source row under the catalog's names, or None."""
    if file == CEILING_INPUT:
        return catalog.ceilings.get(point_id)
    point = catalog.points.get(point_id)
    if point is None:
        return None
    profile = catalog.profiles.get(point["profile"], {})
    held = {**profile, **point}
    held["server_settings"] = point["server_settings"] or profile.get("server_settings", "")
    for pair in filter(None, profile.get("recorded_topology", "").split(";")):
        column, _, value = pair.partition("=")
        held[column] = value
    return held


def check_row(catalog, file, row):
    point_id = row["point_id"]
    held = stored(catalog, file, point_id)
    if held is None:
        return [f"{file}: {point_id} is not in the catalog"]
    without = NOT_IN_CEILINGS if file == CEILING_INPUT else NOT_IN_POINTS
    wrong = []
    for column, value in row.items():
        if column in without:
            continue
        name = OTHER_NAME.get(column, column)
        found = held.get(name)
        if found is None and column.startswith("recorded_"):
            found = ""
        if found != value:
            wrong.append(f"{file}: {point_id}: {column} is {value!r}, the catalog has {found!r}")
    kind = KIND_OF_FILE.get(file.split("_")[0])
    if kind and held.get("kind") != kind:
        wrong.append(f"{file}: {point_id}: kind is {held.get('kind')!r}, not {kind!r}")
    return wrong


def check_left_out(catalog, file, row, reason):
    point_id = row["point_id"]
    wrong = []
    if point_id in catalog.points or point_id in catalog.ceilings:
        wrong.append(f"{file}: {point_id} is in the catalog, but was left out ({reason})")
    true = {"licence_not_stated": row["source_licence"] in NOT_A_LICENCE,
            "load_not_recorded": not row.get("load_value") or not row.get("load_kind")}
    if not true.get(reason, False):
        wrong.append(f"{file}: {point_id}: not true of it: {reason}")
    if not catalog.ledger["inputs"].get(file, {}).get("left_out", {}).get(reason):
        wrong.append(f"{file}: the ledger counts no row as {reason}")
    return wrong


def check_sample(catalog, text):
    wrong = []
    for line in text.splitlines():
        entry = json.loads(line)
        if entry["left_out"]:
            wrong += check_left_out(catalog, entry["file"], entry["row"], entry["left_out"])
        else:
            wrong += check_row(catalog, entry["file"], entry["row"])
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=pathlib.Path, metavar="CATALOG_DIR")
    parser.add_argument("sample", type=pathlib.Path, metavar="SAMPLE",
                        help="JSON lines written by import_published.py --sample")
    args = parser.parse_args()
    try:
        catalog = Catalog(args.catalog)
        wrong = catalog.wrong + check_counts(catalog)
        sample = args.sample.read_text(encoding="utf-8")
        wrong += check_sample(catalog, sample)
    except (OSError, ValueError, KeyError, csv.Error) as error:
        print(f"catalog_ledger_check: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if not sample.strip():
        wrong.append("the sample is empty")
    print("\n".join(wrong) or f"{len(catalog.points)} points, {len(catalog.ceilings)} ceilings "
          f"and {len(sample.splitlines())} sampled source rows agree")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
