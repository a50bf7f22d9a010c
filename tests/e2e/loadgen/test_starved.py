"""A load generator that gets no CPU says that its figures are not valid.

It is put on one core with processes that only spin, and asked for more requests per second than its
share of that core can send.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["KNEEPOINT"]
SPINNERS = 12  # a share of 1/13 of the core is left
RATE = 6000    # needs more than that: over 20 us of CPU each on any machine of today
SPIN = "import time\nend = time.monotonic() + 90\nwhile time.monotonic() < end: pass"


class Starved(unittest.TestCase):
    def setUp(self):
        cores = sorted(os.sched_getaffinity(0))
        self.core, others = cores[0], cores[1:] or cores
        self.processes = []
        self.addCleanup(self.end)
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.server = self.start({*others}, PROGRAM, "emulate", "--port=0", "--format=json",
                                 "--ttft=1ms", "--itl=1ms", stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.server.stdout.readline())["url"]

    def start(self, cores, *command, **more):
        process = subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, cores), **more)
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.communicate()

    def test_it_says_so(self):
        for _ in range(SPINNERS):
            self.start({self.core}, sys.executable, "-c", SPIN)
        report = pathlib.Path(self.home.name) / "report.json"
        bench = self.start(
            {self.core}, PROGRAM, "bench", "run", f"--url={self.url}", "--model=emulated",
            f"--rate={RATE}", "--arrivals=constant", "--duration=3s", "--drain=5s",
            "--input-tokens=4", "--output-tokens=8", "--no-scrape", "--no-keep-run",
            f"--report={report}", env={"HOME": self.home.name, "PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        _, told = bench.communicate(timeout=120)
        self.assertEqual(bench.returncode, 4, told)
        point = json.loads(report.read_text())
        self.assertFalse(point["self"]["valid"])
        self.assertRegex(point["self"]["reason"], "late|were sent of|of its core")
        self.assertIn("not valid", told)
        self.assertGreater(point["self"]["send_lateness_ms"]["p99"], 1)
        self.assertEqual(point["end"], "complete")


if __name__ == "__main__":
    unittest.main()
