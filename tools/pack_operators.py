#!/usr/bin/env python3
"""Kernel timings (CSV) -> data/catalog/operators/<system>.txt, the compact text that the build packs.

    tools/pack_operators.py FOLDER [OUT]

FOLDER holds the timings of the AIConfigurator collectors as one table per system and operator:
<system>_gemm.csv, <system>_attention_decode.csv, <system>_attention_prefill.csv, <system>_moe.csv, mla_module*.csv,
collectives*.csv, gpu_specs*.csv. Run once when there are newer timings; the result is in the repository.

What is kept, and what is not because nothing reads it: docs/step-time.md. The format is told at the top of each file.
"""
import csv
import math
import pathlib
import sys
from collections import defaultdict

STEPS = 128  # per doubling of a time: rounding is at most 0.27 %
SOURCE = "ai-dynamo/aiconfigurator, commit 095f58a5, systems/data/** (Apache-2.0)"
# system: column of the data sheet figures, compute capability, accelerators of the catalog that it was measured on, stack
SYSTEMS = {
    "a100": ("a100_sxm", "8.0", ["nvidia-a100-80gb"],
             "attention vLLM 0.14.0; gemm and experts SGLang 0.5.10"),
    "h100": ("h100_sxm", "9.0", ["nvidia-h100-80gb", "nvidia-h100-mega-80gb"], "vLLM 0.24.0"),
    "h200": ("h200_sxm", "9.0", ["nvidia-h200-141gb"], "vLLM 0.24.0"),
    "b200": ("b200_sxm", "10.0", ["nvidia-b200"], "vLLM 0.24.0"),
    "b300": ("b300_sxm", "10.3", ["nvidia-b300"], "vLLM 0.24.0"),
    "gb200": ("gb200", "10.0", ["nvidia-gb200"], "vLLM 0.24.0"),
    "gb300": ("gb300", "10.3", ["nvidia-gb300"], "vLLM 0.24.0"),
    "l40s": ("l40s", "8.9", ["nvidia-l40s"], "vLLM 0.24.0; all-reduce vLLM 0.22.0"),
    "rtx_pro_6000": ("rtx_pro_6000_server", "12.0", ["nvidia-rtx-pro-6000"], "vLLM 0.24.0"),
    "b60": ("b60", None, ["intel-arc-pro-b60"], "vLLM 0.20.1.dev3"),
}
GEMM_TYPES = ("bf16", "fp8", "fp8_block", "nvfp4")
EXPERT_TYPES = ("bf16", "fp8", "fp8_block", "nvfp4", "int4_wo", "w4a16_mxfp4")
CONTEXTS = [2] + [2**k for k in range(7, 18)]  # tokens in the cache, the new one included


def rows(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


def encode(values):
    """128 x log2(us), the first as it is, the rest as differences; '.' where nothing was measured."""
    words, last = [], 0
    for value in values:
        if value is None:
            words.append(".")
            continue
        level = round(STEPS * math.log2(value))
        words.append(str(level - last))
        last = level
    return " ".join(words)


class Writer:
    def __init__(self):
        self.lines = []
        self.axes = {}

    def axis(self, name, points):
        if self.axes.get(name) != points:
            self.axes[name] = points
            self.lines.append(f"axis {name} " + " ".join(map(str, points)))

    def grid(self, kind, axes, keys, values):
        """axes: [(name, points)]; values: {(point, ...): us}. One line per combination of all but the last axis."""
        for name, points in axes:
            self.axis(name, points)
        words = [kind, *(name for name, _ in axes), *(f"{k}={v}" for k, v in keys)]
        self.lines.append("grid " + " ".join(words))
        places = [()]
        for _, points in axes[:-1]:
            places = [place + (point,) for place in places for point in points]
        for place in places:
            self.lines.append(encode([values.get(place + (point,)) for point in axes[-1][1]]))


def least(into, key, latency):
    value = float(latency)
    if value > 0 and (key not in into or value < into[key]):
        into[key] = value


def points_of(values, place):
    return sorted({key[place] for key in values})


def gemm(out, path):
    by_type = defaultdict(dict)
    for row in rows(path):
        least(by_type[row["dtype"]], (int(row["n"]), int(row["k"]), int(row["m"])), row["latency_us"])
    for dtype in GEMM_TYPES:
        values = by_type.get(dtype)
        if not values or len(values) < 1000:  # a corner of the plane says nothing about the rest
            continue
        axes = [(name, points_of(values, place)) for place, name in enumerate(("n", "k", "m"))]
        out.grid("gemm", axes, [("type", dtype)], values)


def attention(out, folder, system):
    for phase in ("decode", "prefill"):
        series = defaultdict(dict)
        for row in rows(folder / f"{system}_attention_{phase}.csv"):
            key = (row["kv_dtype"], int(row["head_dim"]), int(row["window"]), int(row["query_heads"]),
                   int(row["kv_heads"]))
            batch = int(row["batch"])
            if phase == "decode":
                context = int(row["past_tokens"]) + 1
                if context in CONTEXTS:
                    least(series[key], (batch, context), row["latency_us"])
            elif batch == 1:
                least(series[key], (int(row["new_tokens"]),), row["latency_us"])
        for key in sorted(series):
            values = series[key]
            keys = list(zip(("kv", "head_dim", "window", "heads", "kv_heads"), key))
            if phase == "decode":
                axes = [("batch", [2**k for k in range(12)]), ("context", CONTEXTS)]
            else:
                axes = [("prompt", points_of(values, 0))]
            out.grid(phase, axes, keys, values)


def experts(out, path):
    series = defaultdict(dict)
    for row in rows(path):
        if row["dtype"] not in EXPERT_TYPES:
            continue
        skew = 0 if row["routing"] == "balanced" else round(100 * float(row["routing"].split("_")[1]))
        key = (row["dtype"], skew, *(int(row[k]) for k in ("hidden", "intermediate", "experts", "top_k", "tp", "ep")))
        least(series[key], (int(row["tokens"]),), row["latency_us"])
    tokens = sorted({key[0] for values in series.values() for key in values})
    names = ("type", "skew", "hidden", "intermediate", "experts", "top_k", "tp", "ep")
    for key in sorted(series):
        out.grid("experts", [("tokens", tokens)], list(zip(names, key)), series[key])


def mla(out, folder, system):
    series = defaultdict(dict)
    for path in sorted(folder.glob("mla_module*.csv")):
        for row in rows(path):
            if row["gpu"] != system:
                continue
            batch = int(row["batch"])
            key = (row["phase"], row["gemm_dtype"], row["kv_dtype"], int(row["query_heads"]))
            if row["phase"] == "decode":
                least(series[key], (batch, int(row["past_tokens"])), row["latency_us"])
            elif batch == 1 and int(row["past_tokens"]) == 0:
                least(series[key], (int(row["new_tokens"]),), row["latency_us"])
    for key in sorted(series):
        values = series[key]
        keys = list(zip(("type", "kv", "heads"), key[1:]))
        if key[0] == "decode":
            axes = [("batch", points_of(values, 0)), ("context", points_of(values, 1))]
            out.grid("mla_decode", axes, keys, values)
        else:
            out.grid("mla_prefill", [("prompt", points_of(values, 0))], keys, values)


def collectives(out, folder, system):
    series = defaultdict(dict)
    for path in sorted(folder.glob("collectives*.csv")):
        for row in rows(path):
            if row["gpu"] != system or row["element_dtype"] == "int8":
                continue
            if row["mode"] == "eager" and system != "b60":  # a decode step replays a captured graph
                continue
            least(series[(row["collective"], int(row["gpus"]))], (int(row["bytes"]),), row["latency_us"])
    for key in sorted(series):
        values = series[key]
        out.grid(key[0], [("bytes", points_of(values, 0))], [("gpus", key[1])], values)


def data_sheets(folder):
    sheets = defaultdict(dict)
    for path in sorted(folder.glob("gpu_specs*.csv")):
        for row in rows(path):
            quantity = row.pop("quantity")
            for column, value in row.items():
                if value:
                    sheets[column][quantity] = float(value)
    return sheets


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    out_folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else
                              pathlib.Path(__file__).parent.parent / "data/catalog/operators")
    out_folder.mkdir(parents=True, exist_ok=True)
    sheets = data_sheets(folder)
    for system, (column, capability, accelerators, stack) in SYSTEMS.items():
        sheet = sheets[column]
        out = Writer()
        out.lines += [
            "# Kernel times of one system; made by tools/pack_operators.py, packed by the build.",
            f"# Source: {SOURCE}; {stack}.",
            f"# Values: {STEPS} x log2(microseconds), rounded. Each line is one run over the last axis of its grid: its",
            "# first value as it is, the others as differences to the one before; '.' was not measured.",
            "kneepoint-operators 1",
            f"system {system}",
            "accelerators " + " ".join(accelerators),
            f"bandwidth_gbs {sheet['gpu.mem_bw'] / 1e9:g}",
            f"bf16_tflops {sheet['gpu.bfloat16_tc_flops'] / 1e12:g}",
        ]
        if capability:
            out.lines.append(f"capability {capability}")
        for word, quantity in (("fp8_tflops", "gpu.fp8_tc_flops"), ("fp4_tflops", "gpu.fp4_tc_flops")):
            if sheet.get(quantity, 0) > sheet["gpu.bfloat16_tc_flops"]:  # the same rate: no hardware for it
                out.lines.append(f"{word} {sheet[quantity] / 1e12:g}")
        out.lines.append(f"link_gbs {sheet['node.intra_node_bw'] / 1e9:g}")
        gemm(out, folder / f"{system}_gemm.csv")
        attention(out, folder, system)
        experts(out, folder / f"{system}_moe.csv")
        mla(out, folder, system)
        collectives(out, folder, system)
        path = out_folder / f"{system}.txt"
        path.write_text("\n".join(out.lines) + "\n")
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
