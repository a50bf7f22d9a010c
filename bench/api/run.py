#!/usr/bin/env python3
"""What the API costs: a fetch over 10,000 profiles whose targets twenty hold, over REST and gRPC, beside
a handler of the same server that returns the same bytes ready made; the largest answer; memory.

    bench/api/run.py [--folder=build/release] [--profiles=10000] [--requests=4000] [--rounds=7] [--flat=0]

The server runs on one core (--threads=1, taskset), h2load (Debian: nghttp2-client) on another. Wall times
of a busy machine say little: CPU is the server's own, from /proc, and the handler and the method are asked
in turns, round by round, so that both meet the same neighbours. Uncached means --cache-mib=0: every ask
ranks anew. Writes results.json and results.md beside this file, or into --out.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
METHOD = "/google.cloud.gkerecommender.v1.GkeInferenceQuickstart/FetchProfiles"
WANTED = 20
TICK = os.sysconf("SC_CLK_TCK")


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(message):
    return b"\0" + len(message).to_bytes(4, "big") + message


def ask_json(nanos):
    return {"performanceRequirements": {
        "targetTtftMilliseconds": 1000,
        "targetCost": {"costPerMillionOutputTokens": {"nanos": nanos}}}}


def ask_message(nanos):
    cost = field(1, field(2, nanos))
    return field(4, field(2, 1000) + field(3, cost))


class Server:
    def __init__(self, a, *flags):
        self.a, self.flags = a, flags

    def __enter__(self):
        self.process = subprocess.Popen(
            ["taskset", "--cpu-list", self.a.server_core, self.a.folder / "kneepoint-serve",
             f"--store={self.a.store}", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--threads=1",
             "--web=off", "--log-file=/dev/null", *self.flags],
            stderr=subprocess.PIPE, text=True, env=self.a.environment)
        line = self.process.stderr.readline()
        found = re.search(r"http://(\S+), gRPC at (\S+)", line)
        if not found:
            sys.exit("the server did not start: " + line + self.process.stderr.read())
        self.rest, self.grpc = found.groups()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stderr.close()

    def post(self, path, body):
        request = urllib.request.Request(f"http://{self.rest}{path}", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def call(self, a, path, body):
        """The message of one gRPC answer."""
        sent, got = a.scratch / "sent", a.scratch / "got"
        sent.write_bytes(body)
        subprocess.run(["curl", "--silent", "--fail", "--http2-prior-knowledge", "--data-binary",
                        f"@{sent}", "--header", "content-type: application/grpc", "--header",
                        "te: trailers", "--output", got, f"http://{self.grpc}{path}"], check=True)
        return got.read_bytes()[5:]

    def cpu(self):
        """Seconds of CPU so far, of all threads."""
        parts = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / TICK

    def resident(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def h2load(a, server, way, path, body, requests, clients=4):
    """Requests of one kind. Returns what it took: rates by wall and by the server's CPU, times."""
    file = a.scratch / "body"
    log = a.scratch / "times"
    log.unlink(missing_ok=True)
    file.write_bytes(body)
    command = ["taskset", "--cpu-list", a.client_core, "h2load", "--requests", str(requests), "--clients",
               str(clients), "--threads=1", "--data", file, f"--log-file={log}"]
    if way == "rest":
        command += ["--h1", "--header", "content-type: application/json",
                    f"http://{server.rest}{path}"]
    else:
        command += ["--header", "content-type: application/grpc", "--header", "te: trailers",
                    f"http://{server.grpc}{path}"]
    before, begun = server.cpu(), time.perf_counter()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wall, cpu = time.perf_counter() - begun, server.cpu() - before
    done = re.search(r"(\d+) succeeded, (\d+) failed", said)
    if int(done[1]) != requests:
        sys.exit(said)
    times = sorted(int(line.split("\t")[2]) / 1000 for line in log.read_text().splitlines())
    return {"requests": requests, "per_second": round(requests / wall, 1),
            "cpu_us": round(cpu / requests * 1e6, 1), "p50_ms": round(statistics.median(times), 3),
            "p99_ms": round(times[int(len(times) * 0.99) - 1], 3)}


def filled(a):
    """The shipped catalog and made profiles in one store."""
    program = a.folder / "kneepoint"
    if a.store.exists():
        return
    source, made = a.scratch / "source.jsonl", a.scratch / "made.jsonl"
    run = {"env": a.environment, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([program, "store", "export", source, f"--store={a.store}"], **run)
    subprocess.run([sys.executable, ROOT / "bench/query/make_profiles.py", source, str(a.profiles), made],
                   **run)
    subprocess.run([program, "store", "import", made, f"--store={a.store}"], **run)


def limit(server):
    """A limit of cost, in nanos of a dollar, that about WANTED profiles hold."""
    least, most = 1, 20_000_000_000
    while least < most:
        middle = (least + most) // 2
        got = json.loads(server.post("/v1/profiles:fetch", json.dumps(ask_json(middle)).encode()))
        if len(got["profile"]) == WANTED:
            return middle, WANTED
        if len(got["profile"]) < WANTED:
            least = middle + 1
        else:
            most = middle
    return least, len(got["profile"])


def asked_in_turns(a, server, ways, requests, rounds):
    """The same number of requests of each way, round by round. `ways`: name to (way, path, body, clients).
    Returns of each the median of its rounds."""
    took = {name: [] for name in ways}
    for name, (way, path, body, clients) in ways.items():
        h2load(a, server, way, path, body, max(20, requests // 10), clients)
    for _ in range(rounds):
        for name, (way, path, body, clients) in ways.items():
            took[name].append(h2load(a, server, way, path, body, requests, clients))
    out = {}
    for name, all_rounds in took.items():
        out[name] = {key: statistics.median(one[key] for one in all_rounds) for key in all_rounds[0]}
        out[name]["rounds"] = rounds
        out[name]["cpu_us_least"] = min(one["cpu_us"] for one in all_rounds)
        out[name]["p99_ms_least"] = min(one["p99_ms"] for one in all_rounds)
    return out


def machine():
    model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{model[1] if model else 'unknown processor'}, {os.cpu_count()} cores, {os.uname().release}"


def table(results):
    lines = ["| what | requests/s | CPU per request | p50 | p99 | least p99 | times the ready-made bytes |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for name, row in results.items():
        if not isinstance(row, dict) or "cpu_us" not in row:
            continue
        cpu = row["cpu_us"]
        lines.append(f"| {name} | {row['per_second']:,.0f} | "
                     + (f"{cpu:,.0f} µs" if cpu < 1000 else f"{cpu / 1000:,.2f} ms")
                     + f" | {row['p50_ms']:.2f} ms | {row['p99_ms']:.2f} ms | {row['p99_ms_least']:.2f} ms | "
                     + (f"{row['cpu_ratio']:.2f} |" if "cpu_ratio" in row else "|"))
    return "\n".join(lines)


def report(results):
    whole = results["whole_answer_bytes"]
    lines = [f"# bench/api, {results['date']}", "",
             f"{results['machine']}. Load average {results['load_before'][0]:.1f} at the start and "
             f"{results['load_after'][0]:.1f} at the end: other programs ran beside it, so rates and times are "
             "those of a busy machine and CPU per request is what to compare.", "",
             f"A store of {results['profiles_made']:,} made profiles over the shipped catalog; targets TTFT "
             f"1 s and a cost that {results['profiles_in_answer']} profiles hold. The answer has "
             f"{results['rest_answer_bytes']:,} bytes of JSON or {results['grpc_answer_bytes']:,} of a message. "
             "One core for the server (4 connections), medians of the rounds.", "", table(results), "",
             "\"Cached\": asked before, the store unchanged since. \"Uncached\": ranked anew from what is kept "
             "in memory (--cache-mib=0). The last column is of CPU.", "", "## The largest answer", "",
             f"{whole:,} bytes of JSON; rates in MB of that JSON, whatever the door.", "",
             "| | MB/s | MB per second of CPU |", "|---|---:|---:|"]
    for name, row in results.items():
        if isinstance(row, dict) and "json_mb_per_second" in row:
            lines.append(f"| {name} | {row['json_mb_per_second']:,.0f} | {row['json_mb_per_cpu_second']:,.0f} |")
    if "memory_mib" in results:
        lines += ["", "## Memory", "",
                  f"Resident MiB after each tenth of {results['memory_requests']:,} requests, half of them gRPC: "
                  + ", ".join(f"{one:.1f}" for one in results["memory_mib"]) + "."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--profiles", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=4_000, help="of each kind in each round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--flat", type=int, default=0, help="requests of the memory test; 0: none")
    parser.add_argument("--store", type=pathlib.Path, help="one made before, or where to keep it")
    parser.add_argument("--server-core", default="0")
    parser.add_argument("--client-core", default="1")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    a = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("needs h2load: Debian package nghttp2-client")
    a.scratch = pathlib.Path(tempfile.mkdtemp(prefix="kp-bench-api-"))
    a.environment = {"HOME": str(a.scratch), "PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "1795305600"}
    a.store = a.store or a.scratch / "store.db"
    results = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "load_before": os.getloadavg(),
               "profiles_made": a.profiles}
    fetch = {"rest": "/v1/profiles:fetch", "grpc": METHOD}
    ready = {"rest": "/bench/canned", "grpc": "/kneepoint.bench/Canned"}
    empty = {"rest": b"{}", "grpc": frame(b"")}
    try:
        filled(a)
        with Server(a) as server:
            nanos, results["profiles_in_answer"] = limit(server)
            bodies = {"rest": json.dumps(ask_json(nanos)).encode(), "grpc": frame(ask_message(nanos))}
            answers = {"rest": server.post(fetch["rest"], bodies["rest"]),
                       "grpc": server.call(a, METHOD, bodies["grpc"])}
            whole = server.post(fetch["rest"], b"{}")
        results["rest_answer_bytes"], results["whole_answer_bytes"] = len(answers["rest"]), len(whole)
        results["grpc_answer_bytes"] = len(answers["grpc"])

        for way, answer in answers.items():
            canned = a.scratch / f"canned.{way}"
            canned.write_bytes(answer)
            with Server(a, f"--canned={canned}") as server:
                results |= asked_in_turns(a, server, {
                    f"ready-made bytes, {way}": (way, ready[way], bodies[way], 4),
                    f"cached, {way}": (way, fetch[way], bodies[way], 4)}, a.requests, a.rounds)
        with Server(a, "--cache-mib=0") as server:
            results |= asked_in_turns(a, server, {
                f"uncached, {way}": (way, fetch[way], bodies[way], 4) for way in fetch},
                max(50, a.requests // 50), a.rounds)
            results["uncached_rss_mib"] = round(server.resident(), 1)
            largest = asked_in_turns(a, server, {
                f"4 MiB uncached, {way}": (way, fetch[way], empty[way], 1) for way in fetch}, 10, 3)
        with Server(a) as server:
            largest |= asked_in_turns(a, server, {
                f"4 MiB cached, {way}": (way, fetch[way], empty[way], 1) for way in fetch},
                max(50, a.requests // 20), 3)
        for name, row in largest.items():
            # In bytes of JSON either way, so that both tell how fast the same data comes.
            row["json_mb_per_second"] = round(len(whole) * row["per_second"] / 1e6, 1)
            row["json_mb_per_cpu_second"] = round(len(whole) / max(row["cpu_us"], 0.1), 1)
        for way in fetch:
            base = results[f"ready-made bytes, {way}"]["cpu_us"]
            for kind in ("cached", "uncached"):
                row = results[f"{kind}, {way}"]
                row["cpu_ratio"] = round(row["cpu_us"] / base, 2)
        results |= largest
        if a.flat:
            with Server(a) as server:
                memory = []
                for _ in range(10):
                    for way in fetch:
                        h2load(a, server, way, fetch[way], bodies[way], a.flat // 20)
                    memory.append(round(server.resident(), 1))
                results["memory_mib"], results["memory_requests"] = memory, a.flat // 20 * 20
    finally:
        shutil.rmtree(a.scratch, ignore_errors=True)
    results["load_after"] = os.getloadavg()
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (a.out / "results.md").write_text(report(results))
    print(report(results))


main()
