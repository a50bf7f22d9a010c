#!/usr/bin/env python3
"""The emulator's promise: how many tokens a CPU-second writes, and how far gaps are from the script.

    run.py [--program=build/release/kneepoint] [--seconds=5] [--repeats=3] [--realtime] [--engine]

With --engine the same number of tokens leaves in steps of an engine: all streams at once.

The server runs on one core and a bare reader on another; beside it a bare writer of the same number
of streams, which is what the machine can do at all. Prints one line of JSON per run. The reader
checks nothing; what the server says is held to by the tests.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CASES = [(512, 10.0), (2000, 100.0), (10000, 100.0)]
PREFIX = []


def build(folder):
    program = folder / "streams"
    subprocess.run([os.environ.get("CXX", "c++"), "-O2", "-std=c++20", "-o", program,
                    HERE / "streams.cc"], check=True)
    return program


def read(driver, port, pid, streams, gap, seconds):
    done = subprocess.run([*PREFIX, "taskset", "-c", "1", driver, "read", str(port), str(pid), str(streams),
                           str(gap), str(seconds)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def emulator(options, driver, streams, gap):
    timing = [f"--ttft={gap}ms", f"--itl={gap}ms"]
    if options.engine:
        timing = [f"--max-num-seqs={streams}", f"--kv-blocks={streams * 500}", "--step-time="
                  f"base={gap}ms,prefill=0ns,sequence=0ns,context=0ns,prefill-context=0ns"]
    server = subprocess.Popen(
        [*PREFIX, "taskset", "-c", "0", options.program, "emulate", "--port=0", "--format=json",
         *timing, "--max-model-len=1000000", *options.more],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = json.loads(server.stdout.readline())["port"]
        return read(driver, port, server.pid, streams, gap, options.seconds)
    finally:
        server.terminate()
        server.wait()


def bare(options, driver, streams, gap):
    server = subprocess.Popen([*PREFIX, "taskset", "-c", "0", driver, "write", str(streams), str(gap)],
                              stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline())
        return read(driver, port, server.pid, streams, gap, options.seconds)
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build" / "release" / "kneepoint"))
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engine", action="store_true", help="in place of the script")
    parser.add_argument("more", nargs="*", help="further flags of the emulator, after --")
    parser.add_argument("--realtime", action="store_true",
                        help="ahead of all other programs: for a machine that is busy")
    options = parser.parse_args()
    if options.realtime:
        PREFIX[:] = ["chrt", "-f", "10"]
    with tempfile.TemporaryDirectory(prefix="kp-bench-") as folder:
        driver = build(pathlib.Path(folder))
        for streams, gap in CASES:
            for _ in range(options.repeats):
                for name, run in (("emulator", emulator), ("bare writer", bare)):
                    print(json.dumps({"writer": name, **run(options, driver, streams, gap)}),
                          flush=True)


if __name__ == "__main__":
    main()
