"""`bench run` as its users run it: what is in the report, lists of loads, plans, specs, formats."""

import json
import re
import unittest

import harness
from harness import BenchTest

LATENCIES = ("ttft_ms", "itl_ms", "tpot_ms", "ntpot_ms", "e2e_ms")
NOWHERE = "http://127.0.0.1:1"  # nobody listens, and nobody may ask


class Report(BenchTest):
    def test_has_the_stable_keys_and_the_truth(self):
        url = self.emulate("--ttft=20ms", "--itl=2ms")
        done, report = self.bench("run", url, "--rate=40", "--requests=60", "--seed=7")
        for latency in LATENCIES:
            self.assertLessEqual({"mean", "p50", "p90", "p95", "p99", "max"}, report[latency].keys())
        # Scripted, so known; what a busy machine adds is never negative.
        self.assertTrue(19 < report["ttft_ms"]["p50"] < 40, report["ttft_ms"])
        self.assertTrue(1.7 < report["itl_ms"]["p50"] < 6, report["itl_ms"])
        self.assertTrue(33 < report["e2e_ms"]["p50"] < 90, report["e2e_ms"])
        self.assertEqual(report["requests"], {"sent": 60, "completed": 60, "failed": 0})
        for rate in ("requests_per_second", "output_tokens_per_second", "input_tokens_per_second"):
            self.assertGreater(report[rate], 0)
        self.assertEqual(report["tokens"]["counted_by"], "usage")
        own = report["self"]
        self.assertLessEqual({"send_lateness_ms", "read_lag_ms", "core_share", "valid", "reason"},
                             own.keys())
        self.assertIn("p99", own["send_lateness_ms"])
        self.assertIn("p99", own["read_lag_ms"])
        self.assertEqual(own["valid"], done.returncode == 0)
        self.assertEqual(own["valid"], own["reason"] == "")
        self.assertEqual(report["evidence"]["kind"], "measured")
        self.assertEqual(report["workload"]["seed"], 7)
        self.assertEqual(report["server"]["server"], "vllm")
        self.assertEqual(report["server"]["version"], "0.11.0")
        self.assertEqual(report["points"][0]["ttft_ms"], report["ttft_ms"])
        # The report says which kept run it is of.
        self.assertEqual([folder.name for folder in self.run_folders()], [report["run"]])

    def test_the_same_seed_asks_the_same(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        asked = []
        for seed in (1, 1, 2):
            _, report = self.bench("run", url, "--rate=200", "--requests=20", f"--seed={seed}",
                                   "--input-tokens=uniform:4,400", "--no-keep-run")
            asked.append(report["tokens"]["input_counted_mean"])
        self.assertEqual(asked[0], asked[1])
        self.assertNotEqual(asked[0], asked[2])
        self.assertEqual(self.run_folders(), [])

    def test_a_list_of_loads_is_a_point_each_in_order(self):
        url = self.emulate("--ttft=2ms", "--itl=1ms")
        done, report = self.bench("run", url, "--concurrency=1,4,2", "--requests=20")
        loads = [point["workload"]["in_flight"] for point in report["points"]]
        self.assertEqual(loads, [1, 4, 2])
        self.assertNotIn("ttft_ms", report)
        self.assertEqual(len(re.findall(r"^\d clients?: 20 completed", done.stderr, re.M)), 3)
        self.assertEqual(len(done.stdout.splitlines()), 4)
        _, report = self.bench("run", url, "--rate=100,200", "--duration=300ms", "--chunks",
                               status=2)
        self.assertIsNone(report)
        _, report = self.bench("run", url, "--rate=100,200", "--duration=300ms")
        self.assertEqual([p["workload"]["arrivals"]["rate"] for p in report["points"]], [100, 200])

    def test_two_runs_in_the_same_second_are_two_runs(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        for _ in range(4):
            self.bench("run", url, "--concurrency=1", "--requests=1")
        self.assertEqual(len(self.run_folders()), 4)

    def test_formats(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        done, report = self.bench("run", url, "--concurrency=1", "--requests=5", "--format=json")
        self.assertEqual(json.loads(done.stdout), report)
        done, _ = self.bench("run", url, "--concurrency=1", "--requests=5", "--format=csv")
        self.assertEqual(len(done.stdout.splitlines()), 2)

    def test_a_base_path_of_v1_is_fine(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        _, report = self.bench("run", url + "/v1", "--concurrency=1", "--requests=5")
        self.assertEqual(report["requests"]["completed"], 5)
        self.assertEqual(report["server"]["server"], "vllm")

    def test_chat(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        _, report = self.bench("run", url, "--api=chat", "--concurrency=2", "--requests=10")
        self.assertEqual(report["requests"]["completed"], 10)
        self.assertEqual(report["tokens"]["output_counted_mean"], 8)


class Plan(BenchTest):
    def test_a_dry_run_asks_nobody(self):
        done, report = self.bench("run", NOWHERE, "--rate=2,4", "--duration=30s", "--dry-run",
                                  status=0)
        self.assertIsNone(report)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("2 requests/s, Poisson arrivals", lines[0])
        self.assertIn("mean 16 tokens in and 8 out", lines[0])
        self.assertIn("60 s", lines[2])
        self.assertEqual(self.run_folders(), [])
        done = self.kneepoint("bench", "sweep", f"--url={NOWHERE}", "--model=m", "--dry-run",
                              "--highest=64", "--least-time=2s", "--point-time=4s", status=0)
        self.assertIn("64", done.stdout)
        self.assertRegex(done.stdout, r"at most about \d+ load points: \d+ s to \d+ s")
        self.assertEqual(self.run_folders(), [])


class Spec(BenchTest):
    def test_a_run_may_be_a_file_and_flags_win(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        file = self.home / "run.yaml"
        file.write_text(f"url: {url}\nmodel: m\nseed: 3\nin_flight: 2\nrequests: 12\n"
                        "lengths: {input: 'uniform:8,24', output: 6}\n")
        report = self.home / "r.json"
        self.kneepoint("bench", "run", f"--spec={file}", f"--report={report}", status=(0, 4))
        read = json.loads(report.read_text())
        self.assertEqual(read["requests"]["completed"], 12)
        self.assertEqual(read["tokens"]["output_counted_mean"], 6)
        self.assertEqual(read["workload"]["seed"], 3)
        self.kneepoint("bench", "run", f"--spec={file}", "--requests=4", "--seed=9",
                       f"--report={report}", status=(0, 4))
        read = json.loads(report.read_text())
        self.assertEqual((read["requests"]["completed"], read["workload"]["seed"]), (4, 9))
        self.assertEqual(read["workload"]["in_flight"], 2)

    def test_what_is_wrong_with_it_is_said(self):
        file = self.home / "run.yaml"
        for text, words in (("url: [", "run.yaml"), ("colour: red\n", "colour"),
                            ("token: sk-1\n", "token"), ("in_flight: many\n", "in_flight")):
            file.write_text("url: http://127.0.0.1:1\nmodel: m\nrequests: 1\n"
                            "lengths: {input: 8, output: 8}\n" + text)
            done = self.kneepoint("bench", "run", f"--spec={file}", status=2)
            self.assertIn(words, done.stderr)
            self.assertNotIn("sk-1", done.stderr)


class Usage(BenchTest):
    def test_wrong_command_lines_end_with_2_and_say_why(self):
        run = ("run", "--url=http://127.0.0.1:1", "--model=m")
        sweep = ("sweep", "--url=http://127.0.0.1:1", "--model=m")
        some = "--concurrency=1", "--requests=1"
        for arguments, words in (
                ((*run, *some, "--colour=red"), "--colour"),
                (("run", *some, "--model=m"), "--url"),
                (("run", *some, "--url=http://127.0.0.1:1"), "--model"),
                ((*run, "--requests=1"), "--concurrency"),
                ((*run, "--rate=1", "--concurrency=1", "--requests=1"), "--rate"),
                ((*run, "--rate=1"), "--duration"),
                ((*run, "--rate=fast", "--requests=1"), "fast"),
                ((*run, "--concurrency=1.5", "--requests=1"), "1.5"),
                ((*run, "--concurrency=0", "--requests=1"), "0"),
                ((*run, *some, "--duration=yes"), "yes"),
                ((*run, *some, "--input-tokens=often"), "--input-tokens"),
                ((*run, *some, "--goodput=beauty:1s"), "beauty"),
                ((*run, *some, "--token-env=NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
                ((*run, *some, "--api=chat", "--prompts=token-ids"), "words"),
                (("run", "--url=ftp://h", "--model=m", *some), "http"),
                (("run", "--url=http://u:hush@h", "--model=m", *some), "password"),
                ((*sweep, "--lowest=9", "--highest=3"), "--lowest"),
                ((*sweep, "--lowest=1.5"), "whole"),
                ((*sweep, "--point-time=long"), "--point-time"),
                (("load", "--url=http://127.0.0.1:1", "--model=m"), "--workers")):
            with self.subTest(arguments=arguments):
                done = self.kneepoint("bench", *arguments, status=2)
                self.assertIn(words.lower(), done.stderr.lower())
                self.assertTrue(done.stderr.startswith("kneepoint: "), done.stderr)
                self.assertNotIn("hush", done.stderr)
        self.assertEqual(self.run_folders(), [])

    def test_a_run_folder_that_holds_something_is_left_alone(self):
        folder = self.home / "mine"
        folder.mkdir()
        (folder / "letter").write_text("dear")
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        done, _ = self.bench("run", url, "--concurrency=1", "--requests=1", f"--run={folder}",
                             status=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(folder), done.stderr)
        self.assertEqual([p.name for p in folder.iterdir()], ["letter"])
        done = self.kneepoint("bench", "resume", str(folder))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("mine", done.stderr)


if __name__ == "__main__":
    unittest.main()
