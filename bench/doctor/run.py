#!/usr/bin/env python3
"""How fast `kneepoint doctor` reads a log, and how much memory it takes.

    bench/doctor/run.py [--program=build/release/kneepoint] [--gigabytes=1] [--repeats=5] [--out=FILE]

Writes a log of that size with one line in a hundred that shows a problem (a different one each time),
reads it once so that it lies in the page cache, then runs the program on it as a file and as a pipe.
Prints for each: MB per second of wall time, MB per second of CPU (user and system of all threads),
highest resident memory, and the load average, because a busy machine makes wall time meaningless. Ends
with status 1 when the counts the program reports are not those that were written.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORDINARY = [
    "INFO 11-21 10:00:{s:02d} [loggers.py:111] Engine 000: Avg prompt throughput: {a}.5 tokens/s, Avg "
    "generation throughput: {b}.1 tokens/s, Running: 12 reqs, Waiting: 0 reqs, GPU KV cache usage: 31.2%",
    "INFO:     10.0.{b}.{s}:51234 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK",
    "2026-11-21T10:00:{s:02d}.123Z DEBUG request cmpl-{a}{b} finished: reason=stop prompt=512 output=128",
]


def write_log(path, size):
    """Lines by signature in the file."""
    with open(ROOT / "data/catalog/signatures.csv", newline="") as table:
        samples = [row["sample"] for row in csv.DictReader(table)]
    lines = []
    for i in range(100 * len(samples)):
        lines.append(samples[i // 100] if i % 100 == 57 else
                     ORDINARY[i % 3].format(s=i % 60, a=i % 977, b=i % 251))
    block = ("\n".join(lines) + "\n").encode()
    repeats = max(1, size // len(block))
    with open(path, "wb") as log:
        for _ in range(repeats):
            log.write(block)
    return repeats * len(lines), repeats * len(samples)


def measure(program, path, piped, environment):
    before = time.monotonic()
    source = subprocess.Popen(["cat", path], stdout=subprocess.PIPE) if piped else None
    with tempfile.TemporaryFile() as out:
        run = subprocess.Popen([program, "doctor", "--as=log", "--format=json", "-" if piped else path],
                               stdin=source.stdout if piped else subprocess.DEVNULL, stdout=out,
                               env=environment)
        if piped:
            source.stdout.close()
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        if piped:
            source.wait()
        seconds = time.monotonic() - before
        out.seek(0)
        report = json.load(out)
    return report, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build/release/kneepoint"))
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "pods.log")
        environment = dict(os.environ, XDG_DATA_HOME=scratch, XDG_CONFIG_HOME=scratch)
        lines, problems = write_log(path, int(args.gigabytes * 1e9))
        size = os.path.getsize(path)
        for piped in (False, True):
            for repeat in range(args.repeats + 1):
                report, seconds, cpu, memory = measure(args.program, path, piped, environment)
                if report["lines"] != lines or sum(f["count"] for f in report["findings"]) < problems * 0.9:
                    print("the program counted", report["lines"], "lines of", lines, file=sys.stderr)
                    return 1
                if repeat > 0:  # the first fills the page cache
                    rows.append({"input": "pipe" if piped else "file", "MB/s": round(size / 1e6 / seconds),
                                 "MB/s of CPU": round(size / 1e6 / cpu), "CPU s": round(cpu, 2),
                                 "MB resident": round(memory, 1), "load": round(os.getloadavg()[0], 1)})
    text = f"{size / 1e9:.2f} GB, {lines} lines, {problems} of them problems\n\n"
    columns = list(rows[0])
    text += "| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|\n"
    for row in rows:
        text += "| " + " | ".join(str(row[c]) for c in columns) + " |\n"
    print(text)
    if args.out:
        pathlib.Path(args.out).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
