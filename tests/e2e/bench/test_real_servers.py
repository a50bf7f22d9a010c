"""`bench` against a real vLLM and a real llama.cpp server on this machine's CPU.

Their speed is the machine's and changes with what else it does, so no rate here is fixed: capacity is
measured first and loads are fractions of it. A sweep that a neighbour disturbed is tried again, twice
at most, and every try is printed.
"""

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
import unittest

import harness
from harness import BenchTest, PATIENCE

SERVERS = harness.ROOT / "tests" / "servers"
MODEL = "tiny-llama"
INPUT, OUTPUT = 32, 16
TRIES = 3
POINT = ("--least-time=3s", "--point-time=3500ms", "--until-confident=3", "--precision=30",
         "--most-points=9", "--timeout-silence=30s")
# What a short point may be told; a series that is missing is not among it.
KNOWN_WARNINGS = re.compile(r"^no scrape of the server's metrics fell into|"
                            r"^mean \w+ is .* by the server's own account")
# The server has core 0, its clients the others.
CLIENT = ["taskset", "-c", f"1-{os.cpu_count() - 1}"] if (os.cpu_count() or 1) > 1 else []


def say(text):
    print(text, file=sys.stderr, flush=True)


class RealServer(BenchTest):
    script = None
    flags = ()

    @classmethod
    def setUpClass(cls):
        if cls.script is None:
            raise unittest.SkipTest("the base of the others")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-real-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.addClassCleanup(cls.stop)
        cls.start()

    @classmethod
    def start(cls, *more):
        began = time.monotonic()
        done = subprocess.run(
            [SERVERS / cls.script, f"--dir={cls.folder}", "--cpu=0", "--", *cls.flags, *more],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3000, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{cls.script}: {done.stderr}")
        said = dict(word.split("=", 1) for word in done.stdout.split())
        cls.url, cls.pid = said["url"], int(said["pid"])
        say(f"{cls.script}: up after {time.monotonic() - began:.0f} s")

    @classmethod
    def stop(cls):
        subprocess.run([SERVERS / cls.script, f"--dir={cls.folder}", "--stop"], check=False,
                       stdin=subprocess.DEVNULL, timeout=120)

    def start_bench(self, verb, *flags):
        file = self.home / "report.json"
        file.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*CLIENT, harness.PROGRAM, "bench", verb, f"--url={self.url}", f"--model={MODEL}",
             f"--report={file}", *flags], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process, file

    def measure(self, verb, *flags, status=(0, 4), lengths=(INPUT, OUTPUT)):
        """(what it said on stderr, the report)"""
        process, file = self.start_bench(verb, f"--input-tokens={lengths[0]}",
                                         f"--output-tokens={lengths[1]}", *flags)
        _, err = process.communicate(timeout=5 * PATIENCE)
        self.assertIn(process.returncode, status, err)
        return err, json.loads(file.read_text())

    def capacity(self):
        """Requests per second of a closed loop of 16: more than the eight that fit."""
        _, report = self.measure("run", "--concurrency=16", "--duration=5s", "--no-keep-run",
                                 f"--seed={time.monotonic_ns() % 10**6}")
        return report["requests"]["completed"] / report["took_s"]

    def sweep(self, by, must_find):
        """Finds the knee, or says why there is none."""
        for tried in range(1, TRIES + 1):
            before = self.capacity()
            # The closed loop ends by itself, at four times the knee once that is beyond doubt.
            limits = ("--lowest=2", "--highest=128") if by == "concurrency" else (
                f"--lowest={before / 5:.3g}", f"--highest={2.5 * before:.3g}")
            err, report = self.measure("sweep", f"--by={by}", *limits, *POINT,
                                       f"--seed={tried}", "--accelerator-count=1")
            after = self.capacity()
            knee, points = report["knee"], report["points"]
            at_knee = [p for p in points if self.load(p) == knee["load"]]
            # Of an open loop's few seconds too many answers end after the last request was sent:
            # what the server carries at the knee is what it was offered, and it completed that.
            rate = knee["load"] if by == "rate" else max(
                (p["requests_per_second"] for p in at_knee), default=0)
            say(f"{self.script} by {by}, try {tried}: capacity {before:.1f} and {after:.1f} req/s; "
                f"{knee['sentence']} with {rate:.1f} req/s; {len(points)} points: " + ", ".join(
                    f"{self.load(p):.3g}:{p['requests_per_second']:.1f}" for p in points))
            self.assertTrue(knee["sentence"] and knee["ended"])
            if knee["state"] == "found" and (
                    0.7 * min(before, after) <= rate <= 1.5 * max(before, after)):
                self.check_points(err, points)
                return err, report
        self.assertFalse(must_find, f"no knee at 70 % of capacity in {TRIES} tries")
        return err, report

    @staticmethod
    def load(point):
        arrivals = point["workload"].get("arrivals")
        return arrivals["rate"] if arrivals else point["workload"]["in_flight"]

    def check_points(self, err, points):
        for point in points:
            self.assertEqual(point["requests"]["failed"], 0, (err, point["errors"]))
            tokens = point["tokens"]
            self.assertEqual(tokens["counted_by"], "usage")
            self.assertEqual(tokens["output_counted_mean"], OUTPUT)
            self.assertEqual(tokens["input_counted_mean"], INPUT)
            for warning in point["server"]["warnings"]:
                self.assertRegex(warning, KNOWN_WARNINGS)
        # The server's own account moves with the load.
        running = [point["server"]["running"]["max"] for point in points]
        self.assertEqual(max(r for r in running if r is not None), 8, running)
        waiting = [point["server"]["waiting"]["max"] for point in points]
        self.assertGreater(max(w for w in waiting if w is not None), 0, waiting)

    def check_profile(self, err, server):
        name = re.search(r"^profile (\S+) kept", err, re.M)[1]
        explained = self.kneepoint("explain", name, status=0).stdout
        self.assertIn(server, explained)
        self.assertIn("measured: kneepoint bench", explained)
        table = self.kneepoint("benchmarks", "list", f"--model={MODEL}", f"--model-server={server}",
                               status=0).stdout
        self.assertGreater(len(table.splitlines()), 4)

    def interrupted_load(self):
        """The server forgets requests whose client went."""
        process, _ = self.start_bench("load", "--workers=8", "--input-tokens=8",
                                      "--output-tokens=600")
        harness.wait_for(lambda: self.gauge("running") > 0, "a running request")
        status, _, err = harness.interrupt(process)
        self.assertEqual(status, 0, err)
        harness.wait_for(lambda: self.gauge("running") == 0, "no running request", 60)

    def terminated(self):
        """SIGTERM to a server in mid-stream: whatever it does, the report is clear and soon there."""
        process, file = self.start_bench(
            "run", "--concurrency=4", "--duration=100s", "--input-tokens=8", "--output-tokens=700",
            "--timeout-silence=3s", "--drain=5s", "--no-keep-run")
        harness.wait_for(lambda: self.gauge("running") == 4, "four streams")
        os.kill(self.pid, signal.SIGTERM)
        began = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
        report = json.loads(file.read_text())
        say(f"{self.script}: SIGTERM in mid-stream, ended {took:.1f} s later as {report['end']}: "
            + "; ".join(f"{e['count']} x {e['what']}" for e in report["errors"]))
        self.assertEqual(process.returncode, 7, err)
        self.assertEqual(report["end"], "server-gone")
        self.assertTrue(report["errors"])

    def gauge(self, signal_name):
        text = harness.get(self.url + "/metrics")
        series = self.gauges[signal_name]
        found = re.search(rf"^{re.escape(series)}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        return float(found[1]) if found else 0.0


class Vllm(RealServer):
    script = "vllm-cpu"
    flags = ("--max-num-queued-reqs", "400")
    gauges = {"running": "vllm:num_requests_running",
              "rejected": "vllm:admission_rejections_total"}

    def test_1_the_knee_by_concurrency(self):
        err, report = self.sweep("concurrency", must_find=True)
        for point in report["points"]:
            self.assertEqual(point["server"]["server"], "vllm")
            self.assertTrue(point["server"]["version"].startswith("0."))
        use = [p["server"]["kv_use"]["max"] for p in report["points"]]
        # Eight sequences of two blocks each, of 127.
        self.assertTrue(0.05 < max(u for u in use if u is not None) <= 1, use)
        self.check_profile(err, "vllm")

    def test_2_the_knee_by_rate(self):
        err, _ = self.sweep("rate", must_find=True)
        self.check_profile(err, "vllm")

    def test_3_a_second_opinion(self):
        """vLLM's own load generator, on the same load in turns with ours. Both see the same server
        but not at the same moment, so medians are compared: TPOT within 20 %, throughput within
        15 %, TTFT within 25 % or 20 ms; a disturbed round is repeated."""
        bounds = {"tokens/s": 0.15, "TPOT mean ms": 0.20, "TTFT mean ms": 0.25}
        ours, theirs = [], []
        for tried in range(TRIES):
            for _ in range(2):
                ours.append(self.our_opinion(10 * tried + len(ours)))
                theirs.append(self.their_opinion(100 + len(theirs)))
            ours.append(self.our_opinion(50 + len(ours)))
            apart = {}
            for key, bound in bounds.items():
                we, they = (statistics.median(o[key] for o in side) for side in (ours, theirs))
                apart[key] = abs(we / they - 1) > bound and not (
                    key.startswith("TTFT") and abs(we - they) < 20)
                say(f"vllm bench serve and kneepoint, {key}: {they:.2f} and {we:.2f} "
                    f"({100 * (we / they - 1):+.1f} %; bound {100 * bound:.0f} %; "
                    f"{len(theirs)} and {len(ours)} runs)")
            if not any(apart.values()):
                return
        self.fail(f"beyond the bounds: {[key for key, far in apart.items() if far]}")

    def our_opinion(self, seed):
        _, report = self.measure("run", "--concurrency=8", "--requests=64", f"--seed={seed}",
                                 "--no-keep-run")
        server = report["server"]
        for key, mean in (("TTFT", "ttft_mean_ms"), ("TPOT", "tpot_mean_ms")):
            client = report[f"{key.lower()}_ms"]["mean"]
            say(f"{key} mean as the client and the server saw it: {client:.1f} and "
                f"{server[mean] or float('nan'):.1f} ms")
            if server[mean] is not None:
                # The server's figures are of what ended between two scrapes, a second apart.
                self.assertLess(abs(client - server[mean]), 0.5 * client + 10)
        return {"tokens/s": 64 * OUTPUT / report["took_s"],
                "TPOT mean ms": report["tpot_ms"]["mean"], "TTFT mean ms": report["ttft_ms"]["mean"]}

    def their_opinion(self, seed):
        cache = os.environ.get("KNEEPOINT_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/tmp"), ".cache"),
            "kneepoint")
        command = pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes().decode().split("\0")
        model = command[command.index("serve") + 1]
        file = self.home / f"theirs-{seed}.json"
        done = subprocess.run(
            [*CLIENT, command[0] if "python" in command[0] else sys.executable, "-m",
             "vllm.entrypoints.cli.main", "bench", "serve", "--backend", "openai", "--base-url",
             self.url, "--endpoint", "/v1/completions", "--model", MODEL, "--tokenizer", model,
             "--dataset-name", "random", "--random-input-len", str(INPUT), "--random-output-len",
             str(OUTPUT), "--num-prompts", "64", "--max-concurrency", "8", "--ignore-eos",
             "--seed", str(seed), "--save-result", "--result-filename", str(file)],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
                 "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1",
                 "XDG_CACHE_HOME": cache},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=5 * PATIENCE,
            check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        result = json.loads(file.read_text())
        self.assertEqual(result["completed"], 64)
        return {"tokens/s": result["output_throughput"], "TPOT mean ms": result["mean_tpot_ms"],
                "TTFT mean ms": result["mean_ttft_ms"]}

    def test_4_rejections_inside_a_200_stream_are_counted_as_such(self):
        before = self.gauge("rejected")
        _, report = self.measure("run", "--concurrency=500", "--requests=500", "--no-keep-run",
                                 "--timeout-first-byte=90s", lengths=(8, 1), status=(0, 4))
        counted = self.gauge("rejected") - before
        window = report["window"]
        say(f"vllm-cpu: queue limit, {report['requests']}, the server rejected {counted:.0f}: "
            f"{report['errors']}")
        self.assertGreater(counted, 0)
        self.assertEqual(report["requests"]["failed"], counted)
        self.assertEqual([error["what"] for error in report["errors"] if "503" in json.dumps(error)],
                         [error["what"] for error in report["errors"]])
        self.assertEqual(window["rejected"] + window["completed"], window["requests"])

    def test_5_chat_and_clients_that_go(self):
        _, report = self.measure("run", "--api=chat", "--concurrency=2", "--requests=8",
                                 "--no-keep-run")
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        self.assertEqual(report["tokens"]["counted_by"], "usage")
        self.assertEqual(report["tokens"]["output_counted_mean"], OUTPUT)
        self.interrupted_load()

    def test_6_terminated_in_mid_stream(self):
        self.terminated()


class LlamaCpp(RealServer):
    script = "llama-cpp"
    gauges = {"running": "llamacpp:requests_processing"}

    def test_1_the_knee_by_concurrency(self):
        # It closes a connection it said it would keep: were that an error, every second would fail.
        err, report = self.sweep("concurrency", must_find=False)
        for point in report["points"]:
            self.assertEqual(point["requests"]["failed"], 0, point["errors"])
            self.assertEqual(point["server"]["server"], "llama.cpp")
            self.assertIsNone(point["server"]["kv_use"]["mean"])  # it has no such gauge
        if report["knee"]["state"] == "found":
            self.check_profile(err, "llama.cpp")

    def test_2_the_knee_by_rate(self):
        err, report = self.sweep("rate", must_find=False)
        if report["knee"]["state"] == "found":
            self.check_profile(err, "llama.cpp")

    def test_5_chat_and_clients_that_go(self):
        _, report = self.measure("run", "--api=chat", "--concurrency=2", "--requests=8",
                                 "--no-keep-run")
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        self.interrupted_load()

    def test_6_terminated_in_mid_stream(self):
        self.terminated()


if __name__ == "__main__":
    unittest.main()
