#!/usr/bin/env python3
"""Turns the published measurement tables into the catalog's profiles, points and ceilings.

Reads seven CSV files from INPUT_DIR and writes profiles.csv, points.csv, ceilings.csv and
ledger.json. Figures are copied as text, never recomputed. Rows that cannot be used are counted
by reason in the ledger. The same input gives the same bytes.
"""

import argparse
import collections
import csv
import hashlib
import io
import json
import pathlib
import random
import re
import sys

VERSION = "1"

KINDS = {
    "serving_points.csv": "serving",
    "serving_points_more.csv": "serving",
    "spec_decoding_points.csv": "speculative",
    "spec_decoding_points_more.csv": "speculative",
    "disagg_points.csv": "disaggregated",
    "disagg_points_more.csv": "disaggregated",
}
PEAK = "peak_points.csv"
INPUTS = [*KINDS, PEAK]

NO_LICENCE = "none stated"
WORKERS = [f"{side}_{what}" for side in ("prefill", "decode")
           for what in ("workers", "tensor_parallel", "expert_parallel", "attention_dp")]
RECORDED = [f"recorded_{side}_{what}" for side in ("prefill", "decode")
            for what in ("tp", "dp", "moe_tp", "moe_ep")]

# Columns that describe the deployment and the workload: one value each within a profile.
SETUP = [
    "curve_id", "source", "source_licence", "model", "checkpoint", "model_server",
    "model_server_version", "container_image", "accelerator", "accelerator_count",
    "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel",
    "weight_precision", "kv_precision", "speculative_decoding", *WORKERS, "topology_from",
    *RECORDED, "workload", "input_tokens_nominal", "output_tokens_nominal",
]
# The tables of disaggregated runs name no series; these columns stand in for one.
DISAGG_SERIES = ["curve_id", "container_image", "measured_on", *WORKERS, "topology_from", *RECORDED]

LATENCIES = [f"{metric}_{statistic}_ms" for metric in ("ttft", "tpot", "itl", "ntpot", "e2e")
             for statistic in ("mean", "p50", "p90", "p99")]
RATES = ["requests_per_second", "output_tokens_per_second", "input_tokens_per_second"]

PROFILE_COLUMNS = [
    "id", "series_id", "curve_id", "kind", "source", "licence", "model", "checkpoint",
    "model_server", "model_server_version", "container_image", "accelerator", "accelerator_count",
    "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel",
    "weight_precision", "kv_precision", "speculative_decoding", *WORKERS, "topology_from",
    "recorded_topology", "workload", "input_tokens_nominal", "output_tokens_nominal",
    "input_tokens_mean", "output_tokens_mean", "load_kind", "server_settings",
]
POINT_COLUMNS = [
    "profile", "point_id", "load", "request_count", "error_count", *RATES, "input_tokens_mean",
    "output_tokens_mean", *LATENCIES, "measured_on", "source_ref", "server_settings", "derived",
    "flags",
]
CEILING_COLUMNS = [
    "point_id", "source", "licence", "measured_on", "model", "checkpoint", "model_server",
    "model_server_version", "container_image", "accelerator", "accelerator_count",
    "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel",
    "weight_precision", "kv_precision", "workload", "input_tokens_mean", "output_tokens_mean",
    "load_kind", "load", *RATES, "source_ref", "derived", "flags",
]
RENAMED = {"licence": "source_licence", "load": "load_value"}
REQUIRED = ["point_id", "source", "source_ref", "source_licence", "measured_on", "model",
            "model_server", "accelerator", "accelerator_count", "workload", "load_kind",
            "load_value", *RATES[:2], "derived", "flags"]

NUMERIC = {"accelerator_count", "load_value", "request_count", "error_count", "tensor_parallel",
           "pipeline_parallel", "data_parallel", "expert_parallel", "input_tokens_nominal",
           "output_tokens_nominal", "input_tokens_mean", "output_tokens_mean", *RATES, *LATENCIES}
NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d+)?$")

# What of an unlicensed row the sample may show: who measured it and that it was left out.
WITHOUT_FIGURES = ["point_id", "source", "source_licence"]


class Unusable(Exception):
    """An input that cannot be imported at all."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    rows = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
    missing = [c for c in REQUIRED if c not in (rows.fieldnames or []) and
               not (path.name == "disagg_points.csv" and c == "checkpoint")]
    if missing:
        raise Unusable(f"{path}: no column {', '.join(missing)}")
    try:
        rows = list(rows)
    except csv.Error as error:
        raise Unusable(f"{path}: {error}") from error
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise Unusable(f"{path}: row {number} does not have as many cells as the header")
        for column in NUMERIC & row.keys():
            if row[column] and not NUMBER.match(row[column]):
                raise Unusable(f"{path}: row {number}: {column} is not a number: {row[column]!r}")
    return rows, sha256(data)


def why_left_out(file, row):
    """The reason a row does not enter the catalog, or None."""
    if row["source_licence"] in ("", NO_LICENCE):
        return "licence_not_stated"
    if file != PEAK and not (row["load_kind"] and row["load_value"]):
        return "load_not_recorded"
    return None


def series_of(row):
    if row.get("series_id"):
        return row["series_id"]
    key = "|".join(row.get(column, "") for column in DISAGG_SERIES)
    return "g-" + sha256(key.encode())[:10]


def mean_text(texts):
    """The mean of figures given as text; an unchanged figure keeps its text."""
    known = [text for text in texts if text]
    if len(set(known)) <= 1:
        return known[0] if known else ""
    return format(sum(map(float, known)) / len(known), ".10g")


def usual(texts):
    """The most frequent text; of equally frequent ones the first in text order."""
    if "" in texts:
        return ""  # a blank cell of a point means "as the profile's"
    counts = collections.Counter(texts)
    return min(counts, key=lambda text: (-counts[text], text))


def copy(row, columns):
    return {column: row.get(RENAMED.get(column, column), "") for column in columns}


def group(kept):
    """(file, row) pairs to {profile id: [kind, series, rows]}, one setup per profile."""
    by_series = collections.defaultdict(lambda: collections.defaultdict(dict))
    for file, row in kept:
        setup = tuple(row.get(column, "") for column in SETUP)
        loads = by_series[KINDS[file], series_of(row)][row["load_kind"]]
        loads.setdefault(setup, []).append(row)
    profiles = {}
    for (kind, series), loads in by_series.items():
        for load_kind, setups in loads.items():
            for number, setup in enumerate(sorted(setups), 1):
                name = series
                name += f"-{load_kind}" if len(loads) > 1 else ""
                name += f"-{number}" if len(setups) > 1 else ""
                if name in profiles:
                    raise Unusable(f"two profiles are called {name}")
                profiles[name] = kind, series, setups[setup]
    return profiles


def convert(profiles):
    profile_rows, point_rows = [], []
    for name, (kind, series, rows) in sorted(profiles.items()):
        rows.sort(key=lambda row: (float(row["load_value"]), row["point_id"]))
        first = rows[0]
        settings = usual([row.get("server_settings", "") for row in rows])
        recorded = [f"{column}={first[column]}" for column in RECORDED if first.get(column)]
        profile_rows.append(copy(first, PROFILE_COLUMNS) | {
            "id": name, "series_id": series, "kind": kind, "recorded_topology": ";".join(recorded),
            "input_tokens_mean": mean_text([row.get("input_tokens_mean", "") for row in rows]),
            "output_tokens_mean": mean_text([row.get("output_tokens_mean", "") for row in rows]),
            "server_settings": settings,
        })
        for row in rows:
            own = row.get("server_settings", "")
            point_rows.append(copy(row, POINT_COLUMNS) | {
                "profile": name, "server_settings": "" if own == settings else own})
    return profile_rows, point_rows


def table(columns, rows):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json(value):
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def draw_sample(inputs, seed, size=30):
    """Rows for an independent check: all kinds, flagged rows and left-out rows among them."""
    everything = [(file, row) for file in INPUTS for row in inputs[file]]
    everything.sort(key=lambda pair: pair[1]["point_id"])
    dice = random.Random(seed)
    chosen = {}

    def take(count, fits):
        pool = [pair for pair in everything if pair[1]["point_id"] not in chosen and fits(*pair)]
        for file, row in dice.sample(pool, min(count, len(pool))):
            chosen[row["point_id"]] = file, row

    def kept(file, row):
        return why_left_out(file, row) is None

    for file in INPUTS:
        kind = KINDS.get(file)
        count = {"disaggregated": 2, "speculative": 2}.get(kind, 3)
        take(count, lambda f, row, file=file: f == file and kept(f, row))
    take(2, lambda f, row: KINDS.get(f) == "disaggregated" and kept(f, row))
    take(6, lambda f, row: row["flags"] and kept(f, row))
    take(2, lambda f, row: why_left_out(f, row) == "licence_not_stated")
    take(1, lambda f, row: why_left_out(f, row) == "load_not_recorded")
    take(size - len(chosen), lambda f, row: True)

    lines = []
    for point in sorted(chosen):
        file, row = chosen[point]
        reason = why_left_out(file, row)
        if reason == "licence_not_stated":
            row = {column: row[column] for column in WITHOUT_FIGURES}
        lines.append(json.dumps({"file": file, "left_out": reason, "row": row}))
    return ("\n".join(lines) + "\n").encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input_dir", type=pathlib.Path, metavar="INPUT_DIR",
                        help="folder with " + ", ".join(INPUTS))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("data/catalog"),
                        help="folder to write (default: %(default)s)")
    parser.add_argument("--sample", type=pathlib.Path,
                        help="also write a JSON-lines sample of source rows to this file")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    args = parser.parse_args()
    if not args.input_dir.is_dir():
        parser.error(f"{args.input_dir} is not a folder")
    if not args.out.is_dir():
        parser.error(f"{args.out} is not a folder")

    inputs, ledger_inputs, kept, seen = {}, {}, {}, {}
    try:
        for file in INPUTS:
            inputs[file], digest = read(args.input_dir / file)
            kept[file], left_out = [], collections.Counter()
            for row in inputs[file]:
                point = row["point_id"]
                if point in seen:
                    raise Unusable(f"{file}: point {point} is already in {seen[point]}")
                seen[point] = file
                reason = why_left_out(file, row)
                if reason:
                    left_out[reason] += 1
                else:
                    kept[file].append(row)
            ledger_inputs[file] = {"sha256": digest, "rows": len(inputs[file]),
                                   "kept": len(kept[file]), "left_out": dict(left_out)}
        profiles, points = convert(group([(f, row) for f in KINDS for row in kept[f]]))
    except (Unusable, UnicodeDecodeError) as error:
        print(f"import_published: {error}", file=sys.stderr)
        return 1
    ceilings = sorted((copy(row, CEILING_COLUMNS) for row in kept[PEAK]),
                      key=lambda row: row["point_id"])

    outputs = {"profiles.csv": (PROFILE_COLUMNS, profiles), "points.csv": (POINT_COLUMNS, points),
               "ceilings.csv": (CEILING_COLUMNS, ceilings)}
    written = {}
    for name, (columns, rows) in outputs.items():
        data = table(columns, rows)
        (args.out / name).write_bytes(data)
        written[name] = {"sha256": sha256(data), "rows": len(rows)}
    (args.out / "ledger.json").write_bytes(as_json({
        "generator": f"import_published {VERSION}", "inputs": ledger_inputs, "outputs": written,
        "totals": {"profiles": len(profiles), "points": len(points), "ceilings": len(ceilings)}}))
    if args.sample:
        args.sample.write_bytes(draw_sample(inputs, args.seed))
    print(f"{len(profiles)} profiles, {len(points)} points, {len(ceilings)} ceilings")
    return 0


if __name__ == "__main__":
    sys.exit(main())
