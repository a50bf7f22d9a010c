#!/usr/bin/env python3
"""Load generators side by side: each against the same scripted server, whose truth is written out.

    bench/loadgen/run.py --program=build/release/kneepoint [--peers=vllm-bench,guidellm] [--out=DIR]

The server has core 0, the client core 1. Every client gets a server of its own with the same script:
TTFT lognormal around 100 ms, gaps lognormal. What a client cost is the CPU of all its processes from
the first request the server received. The bare readers (bare_reader.cc) are the limit: they read the
same bytes and note the times, without HTTP, JSON or statistics.

Peers come from PyPI by tests/peers/install. Figures of tools that no registry has are not here.
Writes results.md and results.json beside this file, or into --out.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SERVER_CORE, CLIENT_CORE = "0", "1"
INPUT = 16
TICK = os.sysconf("SC_CLK_TCK")
# Native tools that no registry has as a package. Their shares of the batched bare reader's events per
# CPU-second, measured once on another machine with the same kind of script (2026-08): not comparable
# in absolute figures, so only the ratio is shown.
RECORDED = {"vllm-bench 0.1.0 (Rust)": {64: 77 / 41, 512: 147 / 53},
            "k6 1.3 + xk6-sse (Go)": {64: 77 / 16, 512: 147 / 22}}


class Server:
    """A scripted server on its own core, and what it served."""

    def __init__(self, program, scratch, ttft, itl):
        self.truth_file = pathlib.Path(scratch) / "truth.jsonl"
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, program, "emulate", "--port=0", "--format=json",
             "--model=m", f"--ttft={ttft}", f"--itl={itl}", "--seed=1",
             f"--truth={self.truth_file}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.ready = time.monotonic()
        self.url, self.port = ready["url"], ready["port"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def served(self):
        """Requests that were served whole, in the order they came."""
        with open(self.truth_file, encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return sorted((r for r in rows if r["outcome"] == "completed"),
                      key=lambda r: r["received_ns"])


def quantile(values, q):
    """Nearest rank, as the program under test defines it."""
    return values[min(len(values) - 1, max(0, math.ceil(q * len(values)) - 1))]


def truth_of(rows):
    ttft = sorted(r["token_ns"][0] / 1e6 for r in rows)
    gaps = sorted(g / 1e6 for r in rows for g in r["token_ns"][1:])
    return {"requests": len(rows), "events": sum(len(r["token_ns"]) for r in rows),
            "first_ns": rows[0]["received_ns"],
            "ttft_ms": {"mean": statistics.fmean(ttft), "p50": quantile(ttft, .5),
                        "p99": quantile(ttft, .99)},
            "itl_ms": {"p50": quantile(gaps, .5), "p99": quantile(gaps, .99)}}


def cpu_of_tree(pid):
    """Seconds of CPU of a process and all below it, those ended and waited for included."""
    total, todo = 0.0, [pid]
    while todo:
        one = todo.pop()
        try:
            stat = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(int(stat[i]) for i in (11, 12, 13, 14)) / TICK
            if one == pid or int(stat[17]) > 0:
                for task in os.listdir(f"/proc/{one}/task"):
                    todo += map(int, pathlib.Path(
                        f"/proc/{one}/task/{task}/children").read_text().split())
        except (OSError, IndexError):
            continue
    return total


class Cost:
    """Watches what a process tree uses, so that its start can be told from its work."""

    def __init__(self, process):
        self.process, self.samples, self.done = process, [], threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.done.is_set():
            self.samples.append((time.monotonic(), cpu_of_tree(self.process.pid)))
            time.sleep(0.02)

    def since(self, moment, total):
        self.done.set()
        self.thread.join()
        before = [cpu for at, cpu in self.samples if at <= moment]
        return total - (before[-1] if before else 0.0)


def run_client(server, command, environment=None):
    """(standard output, CPU seconds since the first request, highest memory in MB)."""
    before = os.times()
    process = subprocess.Popen(["taskset", "-c", CLIENT_CORE, *map(str, command)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **(environment or {})})
    cost = Cost(process)
    out, err = process.communicate(timeout=600)
    after = os.times()
    total = (after.children_user - before.children_user +
             after.children_system - before.children_system)
    server.stop()
    # The server is a child too and was waited for just now, after `after` was read.
    rows = server.served()
    if not rows:
        raise RuntimeError(f"{command[0]}: nothing was served: {err[-500:]}")
    truth = truth_of(rows)
    first = server.ready + truth["first_ns"] / 1e9
    return out, cost.since(first, total), truth, process.returncode, err


def bare(mode, reader, streams, tokens):
    def run(server, scratch):
        out, cpu, truth, _, _ = run_client(server, [
            reader, "--port", server.port, "--mode", mode, "--streams", streams,
            "--output-tokens", tokens])
        seen = json.loads(out)
        return {"cpu_seconds": seen["cpu_seconds"], "truth": truth, "events": seen["events"],
                "ttft_ms": seen["ttft_ms"], "itl_ms": seen["itl_ms"]}
    return run


def kneepoint(program, load, tokens):
    def run(server, scratch):
        report = pathlib.Path(scratch) / "report.json"
        out, cpu, truth, status, err = run_client(server, [
            program, "bench", "run", "--url", server.url, "--model=m", f"--input-tokens={INPUT}",
            f"--output-tokens={tokens}", "--prompts=token-ids", "--warm-up=none", "--no-scrape", "--no-keep-run",
            "--report", report, *load], {"HOME": scratch})
        r = json.loads(report.read_text())
        return {"cpu_seconds": cpu, "truth": truth, "ttft_ms": r["ttft_ms"], "itl_ms": r["itl_ms"],
                "self": r["self"], "status": status, "requests": r["requests"],
                "completed": r["requests"]["completed"]}
    return run


def peer(name, streams, tokens, tokenizer):
    def run(server, scratch):
        result = pathlib.Path(scratch) / "peer.json"
        out, cpu, truth, status, err = run_client(server, [
            ROOT / "tests/peers" / name, "--url", server.url, "--model=m",
            f"--concurrency={streams}", f"--requests={streams}", f"--input={INPUT}",
            f"--output={tokens}", f"--out={result}", "--tokenizer", tokenizer])
        if status != 0:
            raise RuntimeError(f"{name}: {err[-300:]}")
        r = json.loads(out)
        return {"cpu_seconds": cpu, "truth": truth, "ttft_ms": r["ttft_ms"], "itl_ms": r["itl_ms"],
                "version": r["version"]}
    return run


def off(row, what, which):
    """How far from the truth: milliseconds, and a share of it."""
    true, seen = row["truth"][what][which], (row[what] or {}).get(which)
    if seen is None or true == 0:
        return None
    return seen - true, (seen - true) / true


def off_text(row, what, which):
    found = off(row, what, which)
    return "-" if found is None else f"{found[0]:+.2f} ms, {found[1]:+.1%}"


class Bench:
    def __init__(self, args):
        self.args, self.rows = args, []

    def measure(self, part, name, streams, ttft, itl, client):
        for attempt in range(self.args.runs):
            with tempfile.TemporaryDirectory() as scratch:
                server = Server(self.args.program, scratch, ttft, itl)
                try:
                    row = client(server, scratch)
                except Exception as wrong:  # a peer that fails is a result too
                    server.process.kill()
                    server.process.wait()
                    self.rows.append({"part": part, "client": name, "streams": streams,
                                      "error": str(wrong)})
                    print(f"{part:12} {name:16} {streams:5}  failed: {wrong}", file=sys.stderr)
                    return
            row.update(part=part, client=name, streams=streams)
            row["events_per_cpu_second"] = row["truth"]["events"] / row["cpu_seconds"]
            self.rows.append(row)
            print(f"{part:12} {name:16} {streams:5}  {row['events_per_cpu_second'] / 1e3:7.1f}k "
                  f"events/CPU-s  TTFT mean {off_text(row, 'ttft_ms', 'mean')}  "
                  f"ITL p99 {off_text(row, 'itl_ms', 'p99')}", file=sys.stderr)

    def efficiency(self, reader):
        for streams in self.args.streams:
            gap = streams / 9000 * 1000
            tokens = max(20, round(102_400 / streams)) if streams > 100 else 800
            script = ("lognormal:100ms,0.5", f"lognormal:{gap:.3f}ms,0.3")
            for mode in ("plain", "batched"):
                self.measure("efficiency", f"bare {mode}", streams, *script,
                             bare(mode, reader, streams, tokens))
            self.measure("efficiency", "kneepoint", streams, *script, kneepoint(
                self.args.program, [f"--concurrency={streams}", f"--requests={streams}"], tokens))
            for name in self.args.peers:
                self.measure("efficiency", name, streams, *script,
                             peer(name, streams, tokens, self.args.tokenizer))

    def accuracy(self):
        for streams in (64, 512, 2000, 5000):
            gap = max(10.0, streams / 20_000 * 1000)
            self.measure("accuracy", "kneepoint", streams, "lognormal:100ms,0.5",
                         f"lognormal:{gap:.3f}ms,0.3", kneepoint(
                             self.args.program,
                             [f"--concurrency={streams}", f"--requests={streams}"], 100))

    def fast(self, reader):
        streams, tokens = 512, 600
        script = ("lognormal:100ms,0.5", f"lognormal:{streams / 60_000 * 1000:.3f}ms,0.3")
        self.measure("60k events/s", "bare batched", streams, *script,
                     bare("batched", reader, streams, tokens))
        self.measure("60k events/s", "kneepoint", streams, *script, kneepoint(
            self.args.program, [f"--concurrency={streams}", f"--requests={streams}"], tokens))

    def open_loop(self):
        self.measure("2,000 req/s", "kneepoint", 2000, "20ms", "5ms",
                     kneepoint(self.args.program, ["--rate=2000", "--duration=10s"], 4))


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "")
    return f"{model}, {os.cpu_count()} cores, {platform.release()}"


def best(rows, part, client, streams):
    found = [r for r in rows if r["part"] == part and r["client"] == client and
             r["streams"] == streams and "error" not in r]
    return max(found, key=lambda r: r["events_per_cpu_second"], default=None)


def report(args, rows):
    lines = ["# Load generators side by side", "",
             f"Measured {datetime.date.today()} on {machine()}; load average before "
             f"{args.load_before:.2f}. Program: {args.version}. By `bench/loadgen/run.py`, "
             f"best of {args.runs}.", "",
             "## Events per client CPU-second", "",
             "About 9,000 events a second in all. The comparison with the bare reader is void where "
             "the batched one is not at least 1.6 times the plain one.", "",
             "| client | " + " | ".join(f"{s} streams" for s in args.streams) + " |",
             "|---|" + "---|" * len(args.streams)]
    names = list(dict.fromkeys(r["client"] for r in rows if r["part"] == "efficiency"))
    for name in names:
        cells = []
        for streams in args.streams:
            row = best(rows, "efficiency", name, streams)
            limit = best(rows, "efficiency", "bare batched", streams)
            if row is None:
                cells.append("failed")
            else:
                ratio = limit["events_per_cpu_second"] / row["events_per_cpu_second"]
                cells.append(f"{row['events_per_cpu_second'] / 1e3:.1f}k (limit / {ratio:.2f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for name, ratios in RECORDED.items():
        lines.append(f"| {name}, recorded elsewhere | " + " | ".join(
            f"(limit / {ratios[s]:.2f})" if s in ratios else "-" for s in args.streams) + " |")
    lines += ["", "## Against what was served", "",
              "| part | client | streams | TTFT mean | TTFT p50 | TTFT p99 | ITL p50 | ITL p99 | "
              "valid |", "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['part']} | {row['client']} | {row['streams']} | failed | | | | | |")
            continue
        valid = row.get("self", {}).get("valid")
        lines.append(
            f"| {row['part']} | {row['client']} | {row['streams']} | " + " | ".join(
                off_text(row, what, which) for what, which in
                (("ttft_ms", "mean"), ("ttft_ms", "p50"), ("ttft_ms", "p99"), ("itl_ms", "p50"),
                 ("itl_ms", "p99"))) + f" | {'-' if valid is None else valid} |")
    opened = best(rows, "2,000 req/s", "kneepoint", 2000)
    if opened:
        late = opened["self"]["send_lateness_ms"]
        lines += ["", "## Open loop, 2,000 requests per second", "",
                  f"Late by p50 {late['p50']:.3f} ms, p99 {late['p99']:.3f} ms, at most "
                  f"{late['max']:.3f} ms; achieved {opened['self']['achieved_rate']:.1f} of "
                  f"{opened['self']['offered_rate']:.1f} requests/s; core share "
                  f"{opened['self']['core_share']:.2f}."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/kneepoint"))
    parser.add_argument("--streams", default="64,512,2000")
    parser.add_argument("--peers", default="")
    parser.add_argument("--tokenizer", default="")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--parts", default="efficiency,accuracy,fast,open_loop")
    parser.add_argument("--out", default=str(HERE))
    args = parser.parse_args()
    args.streams = [int(s) for s in args.streams.split(",")]
    args.peers = [p for p in args.peers.split(",") if p]
    args.program = str(pathlib.Path(args.program).resolve())
    args.version = subprocess.run([args.program, "--version"], capture_output=True, text=True,
                                  check=True).stdout.strip()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    args.version += f" at {commit}" if commit else ""
    args.load_before = os.getloadavg()[0]
    out = pathlib.Path(args.out)
    with tempfile.TemporaryDirectory() as folder:
        reader = f"{folder}/bare_reader"
        subprocess.run(["g++", "-O2", "-std=c++20", HERE / "bare_reader.cc", "-o", reader],
                       check=True)
        if args.peers and not args.tokenizer:
            args.tokenizer = f"{folder}/tokenizer"
            subprocess.run([ROOT / "tests/peers/make-tokenizer", args.tokenizer], check=True)
        bench = Bench(args)
        parts = args.parts.split(",")
        if "efficiency" in parts:
            bench.efficiency(reader)
        if "accuracy" in parts:
            bench.accuracy()
        if "fast" in parts:
            bench.fast(reader)
        if "open_loop" in parts:
            bench.open_loop()
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(
        {"machine": machine(), "program": args.version, "date": str(datetime.date.today()),
         "load_before": args.load_before, "rows": bench.rows}, indent=1) + "\n")
    text = report(args, bench.rows)
    (out / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
