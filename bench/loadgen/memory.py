#!/usr/bin/env python3
"""Highest memory of `kneepoint bench run` as the number of requests grows, and with many streams.

    bench/loadgen/memory.py [--program=build/release/kneepoint] [--requests=100000,1000000]
                            [--streams=5000] [--bound=1.05] [--scrape]

With --scrape the server's metrics are read and the run is kept on disk, as by default.

Ends with status 1 when the longest run needs more than --bound times what the shortest needs. The
server is `kneepoint emulate`. Prints a table and, with --out, writes it.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def measure(program, server_flags, load, tokens, scrape):
    """(highest resident memory in MB, seconds, requests completed) of one run."""
    with tempfile.TemporaryDirectory() as scratch:
        server = subprocess.Popen(
            [program, "emulate", "--port=0", "--format=json", "--model=m", *server_flags],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = json.loads(server.stdout.readline())["url"]
        report = f"{scratch}/report.json"
        begin = time.monotonic()
        null = os.open(os.devnull, os.O_RDWR)
        client = os.posix_spawn(
            program, [program, "bench", "run", "--url", url, "--model=m", "--input-tokens=8",
                      f"--output-tokens={tokens}",
                      *([] if scrape else ["--no-scrape", "--no-keep-run"]),
                      "--report", report, *load],
            {**os.environ, "HOME": scratch},
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)])
        _, _, used = os.wait4(client, 0)
        seconds = time.monotonic() - begin
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        done = json.loads(pathlib.Path(report).read_text())["requests"]["completed"]
        return used.ru_maxrss / 1024, seconds, done


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/kneepoint"))
    parser.add_argument("--requests", default="100000,1000000")
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--bound", type=float, default=1.05)
    parser.add_argument("--scrape", action="store_true")
    parser.add_argument("--out")
    args = parser.parse_args()
    program = str(pathlib.Path(args.program).resolve())
    lines = ["| run | completed | seconds | highest memory, MB |", "|---|---:|---:|---:|"]
    memory = []
    for count in (int(n) for n in args.requests.split(",")):
        used, seconds, done = measure(program, ["--ttft=1ms", "--itl=1ms"],
                                      ["--concurrency=64", f"--requests={count}"], 2, args.scrape)
        memory.append(used)
        lines.append(f"| {count} requests, 64 in flight | {done} | {seconds:.0f} | {used:.1f} |")
        print(lines[-1], file=sys.stderr)
    if args.streams:
        used, seconds, done = measure(
            program, ["--ttft=100ms", "--itl=100ms"],
            [f"--concurrency={args.streams}", f"--requests={2 * args.streams}"], 60, args.scrape)
        lines.append(f"| {args.streams} streams of 60 tokens | {done} | {seconds:.0f} | {used:.1f} |")
    growth = memory[-1] / memory[0]
    lines += ["", f"The longest run needs {growth:.3f} times the memory of the shortest."]
    print("\n".join(lines))
    if args.out:
        pathlib.Path(args.out).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if growth <= args.bound else 1


if __name__ == "__main__":
    sys.exit(main())
