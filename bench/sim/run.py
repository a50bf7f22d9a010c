#!/usr/bin/env python3
"""Simulators of model servers side by side: four workloads, CPU seconds and memory of the process.

    bench/sim/run.py --program=build/release/kneepoint [--peers=dynosim,vllm-sr-sim] [--repeats=5] [--search] [--out=DIR]
    bench/sim/run.py --bench=build/bench/fleet_bench ...

All are Llama-3.1-8B in bf16 on one H100, 8,192 tokens and 256 sequences a step, Poisson arrivals:

    a    1,000 requests at 5/s, 512 tokens in, 256 out
    b    10,000 at 20/s, in N(512, 256) within 2..4096, out N(256, 128) within 2..2048
    c1   100,000 as b
    c8   100,000 at 160/s over 8 replicas

With --program the command is `kneepoint simulate` with the step times of the shipped calibration, opening
it included, and what `kneepoint --version` costs is told apart; with --bench it is the benchmark of the
same code path without the program around it, with a linear step time. With --search `kneepoint search`
is timed too: over 1,000 setups, 8 loads each, at least 1,000 requests at each load. Peers come from PyPI
into a cached environment, in the same run; those that no registry has stand as recorded figures,
labelled so. Writes results.md and results.json beside this file, or into --out.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "servers"))
import model_server  # noqa: E402

INPUT, OUTPUT = "normal:512,256,min=2,max=4096", "normal:256,128,min=2,max=2048"
WORKLOADS = {
    "a": {"requests": 1_000, "rate": 5, "input": "512", "output": "256", "replicas": 1},
    "b": {"requests": 10_000, "rate": 20, "input": INPUT, "output": OUTPUT, "replicas": 1},
    "c1": {"requests": 100_000, "rate": 20, "input": INPUT, "output": OUTPUT, "replicas": 1},
    "c8": {"requests": 100_000, "rate": 160, "input": INPUT, "output": OUTPUT, "replicas": 8},
}

# Measured once on two cores of the same kind, medians of CPU seconds and peak MiB of the process; in
# no package registry, or too slow for every run.
RECORDED = {
    "BLIS (inference-sim f90a1e3), defaults": {"a": (0.985, None), "b": (8.09, 303),
                                               "c1": (81.7, 3075)},
    "BLIS, 256-token blocks": {"a": (0.161, None), "b": (1.22, 273), "c1": (16.0, 3109)},
    "DynoSim 1.6.1": {"a": (0.092, None), "b": (0.506, 78), "c1": (5.01, 445), "c8": (6.85, None)},
    "vllm-sr-sim 0.1.0.dev": {"c1": (6.90, 77)},
}
# "bare" without what they ask for: their simulators need little of it.
PEERS = {
    "dynosim": {"name": "ai-dynamo 1.6.1 (DynoSim)", "script": "dynosim.py",
                "bare": ["ai-dynamo==1.6.1", "ai-dynamo-runtime==1.6.1"],
                "with": ["typing_extensions==4.16.0", "pydantic==2.14.3", "uvloop==0.23.0",
                         "msgspec==0.22.0"]},
    "vllm-sr-sim": {"name": "vllm-sr-sim 0.1.0.dev20260713123629", "script": "vllm_sr_sim.py",
                    "bare": ["vllm-sr-sim==0.1.0.dev20260713123629"],
                    "with": ["numpy==2.4.6", "scipy==1.17.1"]},
}


SETUP = ["--model=meta-llama/Llama-3.1-8B-Instruct", "--accelerator=nvidia-h100-80gb", "--tp=1",
         "--server-settings=max-num-batched-tokens=8192;max-num-seqs=256"]
# Every accelerator with a price, each TP, PP and precision that fits, and five limits: 1,170 setups.
SEARCH = ["search", "--model=meta-llama/Llama-3.1-8B-Instruct", "--limit=1", "--loads=8",
          "--max-num-seqs=64,128,256,512,1024", "--requests=1000"]


def spec_of(workload):
    return {"schema": "kneepoint.run-spec.v1", "seed": 42,
            "arrivals": {"pattern": "poisson", "rate": workload["rate"]},
            "lengths": {"input": workload["input"], "output": workload["output"]},
            "requests": workload["requests"]}


def measured(command, timeout=600):
    """CPU seconds and peak MiB of a command, and what it printed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # a process of its own, so that its children are the command alone
        os.close(reader)
        began = time.monotonic()
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                              timeout=timeout, check=False)
        wall = time.monotonic() - began
        use = resource.getrusage(resource.RUSAGE_CHILDREN)
        with os.fdopen(writer, "w") as out:
            json.dump({"cpu": use.ru_utime + use.ru_stime, "mib": use.ru_maxrss / 1024, "wall": wall,
                       "status": done.returncode, "out": done.stdout, "err": done.stderr}, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as results:
        text = results.read()
    os.waitpid(child, 0)
    result = json.loads(text)
    if result["status"] != 0:
        sys.exit(f"{command[0]} failed: {result['err'][-500:]}")
    return result


def of_program(program, names, repeats, scratch):
    """Ours, with what the process costs before it does anything told apart."""
    start = min(measured([program, "--version"])["cpu"] for _ in range(20))
    rows = {}
    for name in names:
        spec = pathlib.Path(scratch) / f"{name}.json"
        spec.write_text(json.dumps(spec_of(WORKLOADS[name])), encoding="utf-8")
        command = [program, "simulate", spec, *SETUP, "--format=json",
                   f"--replicas={WORKLOADS[name]['replicas']}"]
        runs = [measured(command) for _ in range(repeats)]
        rows[name] = {"cpu": [run["cpu"] - start for run in runs],
                      "mib": max(run["mib"] for run in runs)}
    return rows, start


def of_search(program):
    """A sentence."""
    run = measured([program, *SEARCH], timeout=1200)
    found = re.search(r"(\d+) setups tried.*?; (\S+) requests simulated", run["err"])
    if int(found[1]) < 1000:
        sys.exit(f"search: only {found[1]} setups")
    return (f"`kneepoint {' '.join(SEARCH)}`: {found[1]} setups, {float(found[2]):,.0f} requests, "
            f"{run['wall']:.1f} s, {run['cpu']:.1f} s of CPU, {run['mib']:.0f} MiB.")


def of_bench(bench, names, repeats):
    rows = {}
    for name in names:
        run = measured([bench, f"--benchmark_filter=/{name}/", "--benchmark_min_time=0.02",
                        f"--benchmark_repetitions={repeats}", "--benchmark_format=json"])
        cpu = [r["cpu_time"] / 1e3 for r in json.loads(run["out"])["benchmarks"]
               if r["run_type"] == "iteration"]
        rows[name] = {"cpu": cpu, "mib": run["mib"]}
    return rows


def of_peer(peer, names, repeats, scratch):
    def make(folder):
        python = model_server.make_environment(folder / "venv", peer["bare"])
        model_server.run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install",
                         *peer["with"])

    folder = model_server.made_once(model_server.cache_folder() / "peers" / peer["bare"][0], make,
                                    peer["name"], 400)
    python = folder / "venv" / "bin" / "python"
    rows = {}
    for name in names:
        command = [python, HERE / peer["script"], json.dumps(WORKLOADS[name]), scratch]
        measured(command)  # writes what it reads, its trace, and warms the files
        runs = [measured(command) for _ in range(repeats)]
        rows[name] = {"cpu": [run["cpu"] for run in runs], "mib": max(run["mib"] for run in runs)}
    return rows


def cell(row):
    if not row:
        return "-"
    cpu = statistics.median(row["cpu"]) if isinstance(row["cpu"], list) else row["cpu"]
    return f"{cpu:.4f}" if cpu < 0.1 else f"{cpu:.3f}" if cpu < 10 else f"{cpu:.1f}"


def table(results):
    names = list(WORKLOADS)
    lines = ["| simulator | " + " | ".join(names) + " | peak MiB b / c1 |", "|---" * 6 + "|"]
    for title, rows in results.items():
        mib = " / ".join(f"{rows[n]['mib']:.0f}" if rows.get(n) and rows[n]["mib"] else "-"
                         for n in ("b", "c1"))
        lines.append(f"| {title} | " + " | ".join(cell(rows.get(n)) for n in names) + f" | {mib} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--program", type=pathlib.Path)
    which.add_argument("--bench", type=pathlib.Path)
    parser.add_argument("--peers", default="")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    a = parser.parse_args()
    names = a.workloads.split(",")
    peers = [name for name in a.peers.split(",") if name]
    if unknown := [name for name in peers if name not in PEERS]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    load = os.getloadavg()[0]
    if a.search and not a.program:
        parser.error("--search goes with --program")
    results, start, search = {}, None, ""
    with tempfile.TemporaryDirectory() as scratch:
        if a.program:
            results["kneepoint simulate"], start = of_program(a.program, names, a.repeats, scratch)
            search = of_search(a.program) if a.search else ""
        else:
            results["kneepoint, in process"] = of_bench(a.bench, names, a.repeats)
        for name in peers:
            results[PEERS[name]["name"]] = of_peer(PEERS[name], names, a.repeats, scratch)
    for title, rows in RECORDED.items():
        results[f"{title}, recorded"] = {n: {"cpu": cpu, "mib": mib}
                                         for n, (cpu, mib) in rows.items()}
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.machine())
    text = f"""# Simulators side by side

Measured {datetime.date.today()} on {model}, {os.cpu_count()} cores; load average before {load:.2f}. CPU seconds, medians of {a.repeats}. {'' if start is None else f'Ours is without the {start * 1e3:.1f} ms that `kneepoint --version` takes. '}By `bench/sim/run.py`, which tells the workloads; rows marked recorded were not run.

{table(results)}
{search and chr(10) + search + chr(10)}"""
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "results.md").write_text(text, encoding="utf-8")
    (a.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
