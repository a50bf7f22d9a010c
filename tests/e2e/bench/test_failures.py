"""Servers that fail in every way end in a clear report, and never in a hang; `bench load` ends when
it is told to."""

import json
import os
import signal
import socket
import time
import unittest

import harness
from harness import BenchTest

SOME = ("--concurrency=4", "--requests=24")
# Nothing here may take longer, also where a server never answers.
SHORT = ("--timeout-first-byte=1s", "--timeout-silence=1s", "--drain=2s")


class Faults(BenchTest):
    def failing(self, fault, *flags, status, requests=SOME, words="", output=8, **expected):
        """Runs against an emulator with the fault; the report must say what happened."""
        url = self.emulate("--ttft=5ms", "--itl=1ms", f"--fault={fault}")
        started = time.monotonic()
        done, report = self.bench("run", url, *requests, *SHORT, *flags, status=status,
                                  output=output)
        self.assertLess(time.monotonic() - started, 30)
        self.assertIsNotNone(report, done.stderr)
        said = done.stderr + json.dumps(report["errors"]) + json.dumps(report["remarks"])
        self.assertIn(words, said)
        for key, value in expected.items():
            self.assertEqual(report["requests"][key], value, done.stderr)
        counts = report["requests"]
        self.assertEqual(counts["sent"], counts["completed"] + counts["failed"])
        if counts["failed"]:
            self.assertEqual(sum(error["count"] for error in report["errors"]), counts["failed"])
        return done, report

    def test_everything_refused(self):
        _, report = self.failing("refuse", status=7, words="refused", completed=0)
        self.assertEqual(report["end"], "server-gone")

    def test_some_connections_reset(self):
        # Each request needs a connection of its own, or the ones that were made last for all.
        _, report = self.failing("refuse@0.3,no-keep-alive", "--no-scrape", status=(0, 4, 7))
        self.assertGreater(report["requests"]["completed"], 0)
        self.assertGreater(report["requests"]["failed"], 0)

    def test_some_rejected(self):
        _, report = self.failing("reject:429@0.5", status=(0, 4), words="429")
        self.assertEqual(report["window"]["rejected"], report["window"]["requests"] -
                         report["window"]["completed"])
        self.assertTrue(0 < report["requests"]["failed"] < 24)

    def test_all_rejected(self):
        self.failing("reject:429", status=7, words="429", completed=0)

    def test_all_in_error(self):
        done, _ = self.failing("error:500", status=7, words="500", completed=0)
        self.assertIn("no request completed", done.stderr)

    def test_a_stall_is_given_up(self):
        _, report = self.failing("stall:3@0.2", status=(0, 4), words="waited too long")
        self.assertGreater(report["requests"]["failed"], 0)
        self.assertGreater(report["window"]["timed_out"], 0)

    def test_a_server_that_never_says_a_word_is_given_up(self):
        done, report = self.failing("stall:0", status=7, completed=0,
                                    requests=("--rate=20", "--requests=10"))
        self.assertEqual(len(report["errors"]), 1)

    def test_a_cut(self):
        _, report = self.failing("cut:3@0.3", status=(0, 4))
        self.assertGreater(report["requests"]["failed"], 0)
        self.assertGreater(report["window"]["failed"], 0)

    def test_an_error_in_a_200_stream(self):
        _, report = self.failing("sse-error:2", status=7, completed=0)
        self.assertEqual(report["errors"][0]["count"], 24)

    def test_wrong_usage_is_pointed_out(self):
        # 20 events and 27 tokens: no even number of tokens in each.
        done, report = self.failing("wrong-usage", status=(0, 4), completed=24, output=20)
        self.assertEqual(report["tokens"]["input_counted_mean"], 2 * 16)
        self.assertEqual(report["tokens"]["output_counted_mean"], 20 + 7)
        self.assertTrue(report["remarks"], done.stderr)

    def test_a_slow_start(self):
        self.failing("slow-start:60s", status=7, words="503", completed=0)

    def test_connections_that_are_not_kept(self):
        _, report = self.failing("no-keep-alive", status=(0, 4), completed=24)
        self.assertEqual(report["errors"], [])

    def test_one_that_dies(self):
        _, report = self.failing("die-after:9", status=7, requests=("--rate=40", "--duration=20s"))
        self.assertEqual(report["end"], "server-gone")
        self.assertTrue(1 <= report["requests"]["completed"] <= 9)


class Gone(BenchTest):
    def test_a_refused_port(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        done, report = self.bench("run", f"http://127.0.0.1:{port}", *SOME, status=7)
        self.assertIn("refused", done.stderr)
        self.assertEqual(report["end"], "server-gone")
        done, report = self.bench("sweep", f"http://127.0.0.1:{port}", status=7)
        self.assertIn("refused", done.stderr)
        self.assertNotIn("profile run-", done.stderr)

    def test_a_name_that_is_none(self):
        done, _ = self.bench("run", "http://no-such-host.invalid", *SOME, status=None)
        self.assertNotIn(done.returncode, (0, 4))
        self.assertIn("no-such-host.invalid", done.stderr)

    def test_a_server_killed_in_mid_run(self):
        url = self.emulate("--ttft=5ms", "--itl=20ms")
        run = self.popen("bench", "run", f"--url={url}", "--model=m", "--rate=20", "--duration=60s",
                         "--input-tokens=8", "--output-tokens=50", *SHORT,
                         f"--report={self.home}/r.json")
        self.busy(url)
        self.emulator.send_signal(signal.SIGKILL)
        started = time.monotonic()
        _, err = run.communicate(timeout=harness.PATIENCE)
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual(run.returncode, 7, err)
        report = json.loads((self.home / "r.json").read_text())
        self.assertEqual(report["end"], "server-gone")
        self.assertTrue(report["remarks"], report["errors"])
        self.assertIn("bench resume", err)

    def test_one_that_freezes_in_mid_run(self):
        url = self.emulate("--ttft=5ms", "--itl=20ms")
        run = self.popen("bench", "run", f"--url={url}", "--model=m", "--rate=20", "--duration=4s",
                         "--input-tokens=8", "--output-tokens=50", *SHORT,
                         f"--report={self.home}/r.json")
        self.busy(url)
        self.emulator.send_signal(signal.SIGSTOP)
        self.addCleanup(self.emulator.send_signal, signal.SIGCONT)
        started = time.monotonic()
        _, err = run.communicate(timeout=harness.PATIENCE)
        self.assertLess(time.monotonic() - started, 25)
        report = json.loads((self.home / "r.json").read_text())
        self.assertGreater(report["requests"]["failed"], 0, err)
        self.assertTrue(report["errors"])

    def busy(self, url):
        harness.wait_for(lambda: "generation_tokens_total{" in (text := harness.get(
            url + "/metrics")) and float(text.split("generation_tokens_total{")[1].split()[1]) > 20,
            "some tokens")


class Load(BenchTest):
    def test_goes_on_until_interrupted(self):
        url = self.emulate("--ttft=5ms", "--itl=1ms")
        for flags in (("--workers=4",), ("--rate=50",)):
            load = self.popen("bench", "load", f"--url={url}", "--model=m", "--input-tokens=8",
                              "--output-tokens=8", *flags)
            time.sleep(1)
            self.assertIsNone(load.poll())
            status, out, err = harness.interrupt(load)
            self.assertEqual(status, 0, err)
            self.assertRegex(err, r"\d+ completed, \d+ failed")
            self.assertEqual(len(out.splitlines()), 2)
        self.assertEqual(self.run_folders(), [])

    def test_also_on_a_server_that_never_answers(self):
        url = self.emulate("--fault=stall:0")
        load = self.popen("bench", "load", f"--url={url}", "--model=m", "--workers=2",
                          "--input-tokens=8", "--output-tokens=8")
        time.sleep(0.7)
        started = time.monotonic()
        status, _, err = harness.interrupt(load)
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(status, 0, err)

    def test_ends_by_its_duration(self):
        url = self.emulate("--ttft=5ms", "--itl=1ms")
        self.kneepoint("bench", "load", f"--url={url}", "--model=m", "--workers=2",
                       "--input-tokens=8", "--output-tokens=8", "--duration=500ms", status=(0, 4))


if __name__ == "__main__":
    unittest.main()
