"""`bench sweep` leaves a profile that the rest of the program works with."""

import csv
import io
import json
import re
import signal
import time
import unittest

import harness
from harness import BenchTest, points_in

MODEL = "openai/gpt-oss-20b"
SETUP = (f"--profile-model={MODEL}", "--accelerator=nvidia-l4", "--accelerator-count=1")
SHORT = ("--least-time=500ms", "--point-time=800ms")
SCRAPED = ("--least-time=2200ms", "--point-time=2500ms")  # metrics are read once a second


class Sweep(BenchTest):
    def setUp(self):
        super().setUp()
        # Slow enough that a busy machine is no large share of it.
        self.url = self.emulate("--ttft=100ms", "--itl=2ms")

    def sweep(self, *flags, times=SHORT):
        return self.bench("sweep", self.url, *times, *SETUP, *flags)

    def kept_profile(self, done):
        name = re.search(r"^profile (\S+) kept", done.stderr, re.M)
        self.assertTrue(name, done.stderr)
        return name[1]

    def accepted_everywhere(self, done, report, unit):
        """The profile of the sweep, in every command that shows or uses one."""
        name = self.kept_profile(done)
        valid = [point for point in report["points"] if point["self"]["valid"]]
        rows = json.loads(self.kneepoint("profiles", "list", f"--model={MODEL}", "--format=json",
                                         "--accelerator-type=nvidia-l4", status=0).stdout)
        self.assertTrue(rows)
        self.assertIn("vllm", json.dumps(rows))
        table = self.kneepoint("benchmarks", "list", f"--model={MODEL}", "--model-server=vllm",
                               "--accelerator-type=nvidia-l4", "--model-server-version=0.11.0",
                               status=0).stdout
        measured = [row for row in csv.DictReader(io.StringIO(table))
                    if row["Average Input Length"] == "16"]
        self.assertEqual(len(measured), len(valid))
        rates = sorted(float(row["QPS"]) for row in measured)
        wanted = sorted(point["requests_per_second"] for point in valid)
        for rate, want in zip(rates, wanted):
            self.assertAlmostEqual(rate, want, delta=0.02 * want + 0.01)
        explained = self.kneepoint("explain", name, status=0).stdout
        for words in ("measured: kneepoint bench", report["run"], unit, "Operating point"):
            self.assertIn(words, explained)
        self.assertNotIn("generator_was_the_bottleneck", explained)
        manifest = self.kneepoint("manifests", "create", f"--model={MODEL}",
                                  "--accelerator-type=nvidia-l4", "--model-server=vllm", status=0)
        self.assertIn("kind: Deployment", manifest.stdout)
        self.assertIn(name, manifest.stdout)
        # The curve carries what the server said of itself.
        profile = json.loads(self.kneepoint("explain", name, "--format=json", status=0).stdout)
        text = json.dumps(profile)
        for signal_name in ("running", "waiting", "kv"):
            self.assertIn(signal_name, text.lower())
        for point in valid:
            server = point["server"]
            self.assertEqual((server["server"], server["version"]), ("vllm", "0.11.0"))
            self.assertEqual(server["waiting"]["mean"] is None, server["kv_use"]["mean"] is None)
        # On a slow machine a point may end before it is scraped.
        scraped = [point for point in valid if point["server"]["waiting"]["mean"] is not None]
        self.assertGreater(2 * len(scraped), len(valid))
        # About as many run as are in flight; half, where a scrape fell into the beginning.
        last = scraped[-1]
        flying = last["workload"].get("in_flight") or 0.114 * last["workload"]["arrivals"]["rate"]
        self.assertGreater(last["server"]["running"]["max"], 0.3 * flying)

    def test_by_concurrency(self):
        done, report = self.sweep("--highest=8", "--seed=3", times=SCRAPED)
        loads = [point["workload"]["in_flight"] for point in report["points"]]
        self.assertEqual(loads[:3], [1, 2, 4])
        # A script without a limit has no knee, and none is claimed.
        self.assertNotEqual(report["knee"]["state"], "found")
        self.assertIn("not reached", done.stderr)
        self.accepted_everywhere(done, report, "clients")

    def test_by_rate(self):
        done, report = self.sweep("--by=rate", "--lowest=20", "--highest=80", "--arrivals=constant",
                                  times=SCRAPED)
        rates = [point["workload"]["arrivals"]["rate"] for point in report["points"]]
        self.assertEqual(rates[:2], [20, 40])
        for point in report["points"]:
            rate = point["workload"]["arrivals"]["rate"]
            self.assertAlmostEqual(point["self"]["offered_rate"], rate, delta=0.05 * rate)
        self.accepted_everywhere(done, report, "requests/s")

    def test_by_rate_begins_below_what_one_client_gets(self):
        done, report = self.sweep("--by=rate", "--highest=8", "--no-keep-profile")
        first = report["points"][0]["workload"]["arrivals"]["rate"]
        self.assertTrue(2 < first < 5, first)  # one request takes 114 ms: half of 8.8/s
        self.assertNotIn("kept:", done.stderr)
        self.assertFalse(json.loads(self.kneepoint("profiles", "list", "--evidence=measured", f"--model={MODEL}",
                                                   "--accelerator-type=nvidia-l4",
                                                   "--format=json").stdout or "[]"))

    def test_one_that_was_cut_off_goes_on_and_is_one_profile(self):
        folder = self.home / "cut-off"
        process = self.popen("bench", "sweep", f"--url={self.url}", "--model=m", "--input-tokens=16",
                             "--output-tokens=8", "--highest=8", *SHORT, *SETUP, f"--run={folder}")
        harness.wait_for(lambda: (folder / "run.log").exists() and len(points_in(folder)) >= 2,
                         "two load points")
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = points_in(folder)
        report = self.home / "r.json"
        done = self.kneepoint("bench", "resume", folder, f"--report={report}", status=(0, 4))
        points = json.loads(report.read_text())["points"]
        self.assertEqual(points[:len(kept)], kept)
        self.assertEqual([p["workload"]["in_flight"] for p in points][:3], [1, 2, 4])
        name = self.kept_profile(done)
        again = self.kneepoint("bench", "resume", folder, status=(0, 4))
        self.assertEqual(self.kept_profile(again), name)

    def test_csv_and_json_leave_stdout_to_the_answer(self):
        done, report = self.sweep("--highest=2", "--format=json")
        self.assertEqual(json.loads(done.stdout), report)


if __name__ == "__main__":
    unittest.main()
