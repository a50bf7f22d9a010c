"""Runs that are cut off: nothing that was done is lost, and `bench resume` does the rest."""

import json
import random
import re
import shutil
import signal
import time
import unittest

import harness
from harness import BenchTest, points_in

DONE = re.compile(r"^(\d+) clients?: \d+ completed, \d+ failed in ", re.M)
KILLS = 50


def loads(points):
    return [point["workload"]["in_flight"] for point in points]


class Interrupted(BenchTest):
    def setUp(self):
        super().setUp()
        self.url = self.emulate("--ttft=5ms", "--itl=1ms")
        self.folder = self.home / "run"
        self.report = self.home / "report.json"

    def start(self, points="1,2,3,4,5,6", requests="--duration=400ms"):
        return self.popen("bench", "run", f"--url={self.url}", "--model=m", "--input-tokens=8",
                          "--output-tokens=8", f"--concurrency={points}", requests,
                          f"--run={self.folder}", f"--report={self.report}")

    def resume(self, status=(0, 4)):
        done = self.kneepoint("bench", "resume", self.folder, f"--report={self.report}",
                              status=status)
        return done, json.loads(self.report.read_text())

    def after(self, process, count):
        harness.wait_for(lambda: process.poll() is not None or (
            (self.folder / "run.log").exists() and len(points_in(self.folder)) >= count),
            f"{count} load points")
        self.assertIsNone(process.poll())

    def test_ctrl_c_keeps_what_is_finished_and_resume_does_the_rest(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            shutil.rmtree(self.folder, True)
            process = self.start()
            self.after(process, 2)
            time.sleep(0.1)
            status, out, err = harness.interrupt(process, number)
            self.assertEqual(status, 7, err)
            self.assertIn(f"bench resume {self.folder}", err)
            self.assertIn("interrupted", err)
            kept = loads(points_in(self.folder))
            self.assertEqual(kept, [1, 2, 3, 4, 5, 6][:len(kept)])
            self.assertLess(len(kept), 6)
            # What was cut short is told of, and is no finished point.
            self.assertEqual(len(json.loads(self.report.read_text())["points"]), len(kept) + 1)
            self.assertEqual(len(out.splitlines()), len(kept) + 2)
            _, report = self.resume()
            self.assertEqual(loads(report["points"]), [1, 2, 3, 4, 5, 6])
            self.assertEqual([p["end"] for p in report["points"]], ["complete"] * 6)
            self.assertEqual([p["index"] for p in report["points"]], list(range(6)))

    def test_a_whole_run_is_told_again_without_its_server(self):
        process = self.start("1,2", "--requests=5")
        process.communicate(timeout=harness.PATIENCE)
        first = json.loads(self.report.read_text())
        self.emulator.kill()
        self.emulator.wait()
        done, again = self.resume()
        self.assertEqual(again["points"], first["points"])
        self.assertEqual(again["run"], first["run"])

    def test_one_process_at_a_time(self):
        process = self.start()
        self.after(process, 1)
        done = self.kneepoint("bench", "resume", self.folder)
        self.assertNotIn(done.returncode, (0, 4))
        self.assertIn(str(self.folder), done.stderr)
        process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(loads(points_in(self.folder)), [1, 2, 3, 4, 5, 6])

    def test_a_torn_tail_is_dropped_with_a_warning(self):
        process = self.start("1,2,3", "--requests=5")
        process.communicate(timeout=harness.PATIENCE)
        log = self.folder / "run.log"
        whole = log.read_bytes()
        last = whole.rstrip(b"\n").rfind(b"\n") + 1
        for cut in (last + 1, last + 20, last + (len(whole) - last) // 2, len(whole) - 1):
            log.write_bytes(whole[:cut])
            done, report = self.resume()
            self.assertIn("was not finished", done.stderr)
            self.assertEqual(loads(report["points"]), [1, 2, 3])
            self.assertTrue(log.read_bytes().startswith(whole[:last]))

    def test_damage_is_an_error_and_not_a_shorter_run(self):
        process = self.start("1,2,3", "--requests=5")
        process.communicate(timeout=harness.PATIENCE)
        log = self.folder / "run.log"
        whole = bytearray(log.read_bytes())
        whole[len(whole) // 2] ^= 1
        log.write_bytes(whole)
        done = self.kneepoint("bench", "resume", self.folder)
        self.assertNotIn(done.returncode, (0, 4))
        self.assertRegex(done.stderr, r"record \d")
        self.assertEqual(log.read_bytes(), whole)

    def test_of_a_gone_server_resume_goes_on_when_it_is_back(self):
        port = self.url.rpartition(":")[2]
        process = self.start("1,2,3,4", "--duration=1s")
        self.after(process, 1)
        self.emulator.kill()
        self.emulator.wait()
        _, err = process.communicate(timeout=harness.PATIENCE)
        self.assertEqual(process.returncode, 7, err)
        kept = points_in(self.folder)
        self.assertLess(len(kept), 4)
        # Of a server that is gone there is a table, and no point that pretends to be one.
        self.assertNotIn("server-gone", [point["end"] for point in kept])
        back = self.popen("emulate", f"--port={port}", "--format=json", "--model=m", "--ttft=5ms",
                          "--itl=1ms")
        self.assertTrue(back.stdout.readline())
        _, report = self.resume()
        self.assertEqual(loads(report["points"]), [1, 2, 3, 4])
        self.assertEqual(report["points"][:len(kept)], kept)


class Killed(BenchTest):
    """SIGKILL at random moments, again and again, until each run is whole."""

    POINTS = list(range(1, 25))

    def test_fifty_kills_lose_nothing(self):
        url = self.emulate("--ttft=1ms", "--itl=1ms")
        draw = random.Random(4)
        kills = runs = early = 0
        started = time.monotonic()
        while kills < KILLS:
            folder, report = self.home / f"run-{runs}", self.home / f"report-{runs}.json"
            begin = ("bench", "run", f"--url={url}", "--model=m", "--input-tokens=4",
                     "--output-tokens=4", "--requests=30", "--no-scrape",
                     "--concurrency=" + ",".join(map(str, self.POINTS)), f"--run={folder}")
            command, told, whole, runs = begin, [], False, runs + 1
            while not whole:
                process = self.popen(*command, f"--report={report}")
                try:
                    _, err = process.communicate(
                        timeout=draw.uniform(0.005, 0.45) if kills < KILLS else harness.PATIENCE)
                    whole = True
                    self.assertIn(process.returncode, (0, 4), err)
                except harness.subprocess.TimeoutExpired:
                    process.kill()
                    _, err = process.communicate()
                    kills += 1
                told += [int(load) for load in DONE.findall(err)]
                begun = (folder / "run.log").exists() and b"\n" in (folder / "run.log").read_bytes()
                kept = loads(points_in(folder)) if begun else []
                # Each that was told of is there, in its order; at most one was kept and not told.
                self.assertEqual(kept, self.POINTS[:len(kept)])
                self.assertEqual(told, kept[:len(told)])
                if len(kept) > len(told):
                    self.assertEqual(len(kept), len(told) + 1)
                    told = list(kept)
                if not begun:
                    # Killed before the run began: then there is nothing to go on with, and the
                    # same command begins it.
                    early += 1
                    self.assertEqual(told, [])
                command = ("bench", "resume", folder) if begun else begin
            points = json.loads(report.read_text())["points"]
            self.assertEqual(loads(points), self.POINTS)
            self.assertEqual([point["index"] for point in points], list(range(len(self.POINTS))))
            self.assertEqual({point["requests"]["completed"] for point in points}, {30})
            self.assertEqual(points_in(folder), points)
        print(f"{kills} kills, {early} before the header, {runs} runs whole, "
              f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    unittest.main()
