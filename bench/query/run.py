#!/usr/bin/env python3
"""Times whole runs of `kneepoint` over stores of several sizes, beside what the machine needs at
least for the same: starting a process, reading the file, scanning the same points with SQLite.

    bench/query/run.py --program=build/release/kneepoint [--sizes=0,10000,12000,100000] [--runs=21]

Each size is the shipped catalog plus profiles made from it (make_profiles.py) imported as own ones, of
which so many are told to be predicted that at least half of all are. Size 0 is what ships, and
--measured-only takes a catalog without predictions.
Writes results.md and results.json beside this file (or into --out). Wall time is from spawn to the
end of the process; CPU and memory come from wait4. A busy machine shows in wall before it shows in
CPU, so both are there, and the load average.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ONE_MODEL = "openai/gpt-oss-120b"
TARGET = "--target-ttft-milliseconds=500"
QUERIES = {
    "profiles list, target": ["profiles", "list", TARGET],
    "profiles list, target, all versions and decodings":
        ["profiles", "list", TARGET, "--model-server-version=all", "--decoding=any"],
    "profiles list, target, one model": ["profiles", "list", TARGET, f"--model={ONE_MODEL}"],
    "profiles list, target, json, limit 20":
        ["profiles", "list", TARGET, "--format=json", "--limit=20"],
    "benchmarks list, one model":
        ["benchmarks", "list", f"--model={ONE_MODEL}", "--model-server=vllm"],
    "recommend, one model": ["recommend", f"--model={ONE_MODEL}", TARGET],
    "--version": ["--version"],
}
# What SQLite alone needs for the same rows: two figures of every point added up, and every byte that
# ranking reads copied once.
SCANS = {
    "sqlite3: all points, two figures added up":
        "SELECT count(*), sum(ttft_p50_ms), sum(output_tokens_per_second) FROM point",
    "sqlite3: each packed profile read":
        "SELECT sum(length(packed || '')) FROM profile",
}


def once(argv, environment, through_pipe):
    """(wall, cpu) in milliseconds, memory in MB, bytes written, exit status."""
    null = os.open(os.devnull, os.O_RDWR)
    read_end, write_end = os.pipe() if through_pipe else (None, null)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, write_end, 1),
               (os.POSIX_SPAWN_DUP2, null, 2)]
    begin = time.perf_counter()
    child = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
    size = 0
    if through_pipe:
        os.close(write_end)
        while chunk := os.read(read_end, 1 << 16):
            size += len(chunk)
        os.close(read_end)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    os.close(null)
    return (wall * 1e3, (used.ru_utime + used.ru_stime) * 1e3, used.ru_maxrss / 1024, size,
            os.waitstatus_to_exitcode(status))


def timed(argv, environment, runs, through_pipe=False):
    for _ in range(3):
        last = once(argv, environment, True)
        if last[4] != 0:
            said = subprocess.run(argv, env=environment, capture_output=True, text=True)
            sys.exit(f"{' '.join(argv)}: exit status {last[4]}: {said.stderr[-300:]}")
    all_runs = [once(argv, environment, through_pipe) for _ in range(runs)]
    wall = sorted(run[0] for run in all_runs)
    cpu = sorted(run[1] for run in all_runs)
    return {"wall_min": wall[0], "wall_median": statistics.median(wall),
            "wall_p90": wall[int(0.9 * (len(wall) - 1))], "cpu_min": cpu[0],
            "cpu_median": statistics.median(cpu), "rss_mb": max(run[2] for run in all_runs),
            "bytes_out": last[3]}


CATALOG = {}


def home(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return {"HOME": str(folder), "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C",
            **CATALOG}


def measured_catalog(program, folder):
    """What ships, packed without the predicted rows."""
    text = folder / "text"
    text.mkdir()
    for file in (HERE.parents[1] / "data" / "catalog").glob("*.csv"):
        if not file.name.startswith("predicted"):
            shutil.copyfile(file, text / file.name)
    packed = folder / "kneepoint.catalog"
    subprocess.run([pathlib.Path(program).parent / "kneepoint-catalog-compile", text, packed],
                   check=True)
    return str(packed)


def first_use(program, folder, runs):
    """Filling an empty home, and the same command once more."""
    walls, cpus, again = [], [], []
    for number in range(runs):
        environment = home(folder / f"first{number}")
        ask = [program, "models", "list"]
        filled = once(ask, environment, False)
        walls.append(filled[0])
        cpus.append(filled[1])
        again.append(timed(ask, environment, 5)["wall_median"])
        shutil.rmtree(environment["HOME"])
    return {"wall_min": min(walls), "wall_median": statistics.median(walls), "wall_p90": max(walls),
            "cpu_min": min(cpus), "cpu_median": statistics.median(cpus),
            "second_run_wall_median": statistics.median(again)}


def grow(program, folder, size):
    """A home whose store has `size` profiles: those shipped and, above them, made ones."""
    environment = home(folder / f"n{size}")
    ask = lambda *words: subprocess.run([program, *words], env=environment, check=True,
                                        capture_output=True, text=True).stdout
    exported = folder / "shipped.jsonl"
    ask("store", "export", str(exported))
    with open(exported, encoding="utf-8") as lines:
        profiles = [line for line in lines if line.startswith('{"schema"')]
    shipped = len(profiles)
    predicted = sum('"kind":"predicted"' in line for line in profiles)
    points = sum(line.count('"load":') for line in profiles)
    del profiles
    took = 0.0
    if size > shipped:
        made = folder / "made.jsonl"
        share = 0 if predicted == 0 else max(0.0, (size / 2 - predicted) / (size - shipped))
        subprocess.run([sys.executable, str(HERE / "make_profiles.py"), str(exported),
                        str(size - shipped), str(made), f"--predicted={share}"], check=True)
        with open(made, encoding="utf-8") as lines:
            for line in lines:
                predicted += '"kind":"predicted"' in line
                points += line.count('"load":')
        begin = time.perf_counter()
        ask("store", "import", str(made))
        took = time.perf_counter() - begin
        made.unlink()
    file = pathlib.Path(environment["HOME"]) / ".local/share/kneepoint/kneepoint.db"
    counts = subprocess.run(
        ["sqlite3", str(file), "SELECT count(*), sum(point_count), sum(length(packed)) FROM profile"],
        capture_output=True, text=True, check=True).stdout.strip().split("|")
    return environment, file, {"profiles": max(size, shipped), "predicted": predicted,
                               "points": points, "stored": int(counts[0]),
                               "packed_mb": int(counts[2]) / 1e6, "import_s": took,
                               "file_mb": file.stat().st_size / 1e6}


def machine(program):
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.processor())
    revision = subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty"],
                              capture_output=True, text=True).stdout.strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "revision": revision or "unknown", "load_average": round(os.getloadavg()[0], 1),
            "date": datetime.date.today().isoformat(),
            "program": subprocess.run([program, "--version"], capture_output=True,
                                      text=True).stdout.strip()}


def row(name, r):
    return (f"| {name} | {r['wall_median']:.1f} | {r['wall_min']:.1f} | {r['wall_p90']:.1f} | "
            f"{r['cpu_median']:.1f} | {r['cpu_min']:.1f} | {r['rss_mb']:.0f} | "
            f"{r['bytes_out'] / 1e6:.2f} |")


HEAD = ("| what | wall median | min | p90 | CPU median | min | MB | output MB |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|")


def report(result):
    m = result["machine"]
    out = [f"# bench/query, {m['date']}", "",
           f"Catalog of {m['catalog_mb']:.1f} MB, "
           + ("without predictions." if m["measured_only"] else "predictions in it."), "",
           f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}; {m['program']}, revision "
           f"{m['revision']}; load average {m['load_average']} at the start and "
           f"{result['load_average_end']} at the end. Milliseconds of whole processes, warm, "
           f"{result['runs']} runs each after three unmeasured ones (a third as many above 50,000 "
           f"profiles). Memory is the most resident, the mapped store file included; below "
           f"{result['own_rss_mb']:.0f} MB the figure is the measuring process's own.", "",
           "| profiles | wall median | min | CPU median | min | MB | floor CPU |",
           "|---:|---:|---:|---:|---:|---:|---:|"]
    for size in result["sizes"]:
        r = size["queries"]["profiles list, target"]
        out.append(f"| {size['store']['profiles']:,} | {r['wall_median']:.1f} | "
                   f"{r['wall_min']:.1f} | {r['cpu_median']:.1f} | {r['cpu_min']:.1f} | "
                   f"{r['rss_mb']:.0f} | {size['floor_ms']:.1f} |")
    out.append("")
    for size in result["sizes"]:
        s = size["store"]
        out += [f"## {s['profiles']:,} profiles, {s['predicted']:,} of them predicted, "
                f"{s['points']:,} points", "",
                f"Store file {s['file_mb']:.1f} MB with {s['stored']:,} of the profiles, of which "
                f"ranking reads {s['packed_mb']:.1f} MB"
                + (f"; import took {s['import_s']:.1f} s." if s["import_s"] else "."), "", HEAD]
        out += [row(name, r) for name, r in size["queries"].items()]
        out += [row("floor: " + name, r) for name, r in size["floors"].items()]
        out += ["", f"The first row takes {size['over_floor']:.1f} times the CPU of its floor: a "
                    f"process that starts and one scan of what is packed "
                    f"({size['floor_ms']:.1f} ms).", ""]
    f = result["first_use"]
    out += ["## First use", "",
            f"An empty home filled from the catalog: {f['wall_median']:.0f} ms median, "
            f"{f['wall_min']:.0f} ms least, {f['wall_p90']:.0f} ms most (CPU {f['cpu_min']:.0f} ms "
            f"least); the same command again: {f['second_run_wall_median']:.1f} ms.", ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--sizes", default="0,10000,12000,100000")
    parser.add_argument("--measured-only", action="store_true")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    args = parser.parse_args()
    program = str(pathlib.Path(args.program).resolve())
    tools = {name: shutil.which(name) for name in ("sqlite3", "true", "cat")}
    if None in tools.values():
        sys.exit("needs sqlite3, true and cat in PATH")

    result = {"machine": machine(program), "runs": args.runs, "sizes": []}
    with tempfile.TemporaryDirectory(prefix="kneepoint-bench-") as temporary:
        folder = pathlib.Path(temporary)
        catalog = pathlib.Path(program).parent / "kneepoint.catalog"
        if args.measured_only:
            catalog = CATALOG["KNEEPOINT_CATALOG"] = measured_catalog(program, folder)
        result["machine"]["catalog_mb"] = pathlib.Path(catalog).stat().st_size / 1e6
        result["machine"]["measured_only"] = args.measured_only
        result["first_use"] = first_use(program, folder, 5)
        for size in map(int, args.sizes.split(",")):
            runs = args.runs if size < 50_000 else max(7, args.runs // 3)
            environment, file, store = grow(program, folder, size)
            queries = {name: timed([program, *words], environment, runs)
                       for name, words in QUERIES.items()}
            queries["profiles list, target, into a pipe"] = timed(
                [program, *QUERIES["profiles list, target"]], environment, runs, True)
            floors = {"/bin/true": timed([tools["true"]], environment, runs),
                      "cat of the store file": timed([tools["cat"], str(file)], environment, runs)}
            for name, sql in SCANS.items():
                floors[name] = timed([tools["sqlite3"], str(file), sql], environment, runs)
            floor = floors["sqlite3: each packed profile read"]["cpu_median"]
            result["sizes"].append({
                "store": store, "queries": queries, "floors": floors, "floor_ms": floor,
                "over_floor": queries["profiles list, target"]["cpu_median"] / floor})
            shutil.rmtree(environment["HOME"])
    result["own_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result["load_average_end"] = round(os.getloadavg()[0], 1)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    (args.out / "results.md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
