"""`emulate --accelerator`: the same step times as a simulation of the same setup.

Steps here take 60 ms and more, so that a busy machine's milliseconds do not show in them. Arrivals and
lengths are the same in both, but a request that the machine sends late lands in a later step; a load
that was disturbed so is tried again, with other requests, twice at most.
"""

import json
import os
import signal
import subprocess
import sys
import unittest

from support import PROGRAM, Case

SETUP = ["--model=google/gemma-2-27b-it", "--accelerator=nvidia-l4", "--tp=4"]
SEQUENCES = 8
# Requests at each rate: light, near the knee, beyond it.
LOADS = {1.5: 16, 4: 40, 8: 64}
INPUT, OUTPUT = "uniform:128,384", "uniform:8,24"
TRIES = 3
SHARE = 0.03  # that the two may be apart
FLOORS = {"ttft_ms": 2, "tpot_ms": 0, "itl_ms": 0, "e2e_ms": 2}
STEP_MS = 64  # a percentile is that of one request, and may be a step away


class Emulate(Case):
    def serve(self, *flags):
        server = subprocess.Popen(
            [str(PROGRAM), "emulate", *SETUP, "--port=0", "--format=json", *flags],
            env={**os.environ, "HOME": str(self.home)}, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=self.home)

        def stop():
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)
            server.stdout.close()
        self.addCleanup(stop)
        return json.loads(server.stdout.readline())["url"]

    def measure(self, url, rate, requests, seed):
        """(measured, simulated)"""
        report = self.home / "measured.json"
        self.run_program("bench", "run", f"--url={url}", SETUP[0], f"--rate={rate}",
                         f"--requests={requests}", f"--input-tokens={INPUT}", f"--seed={seed}",
                         f"--output-tokens={OUTPUT}", "--no-keep-profile", "--no-keep-run",
                         f"--report={report}")
        measured = json.loads(report.read_text())["points"][0]
        spec = self.home / "run.json"
        spec.write_text(json.dumps(measured["workload"]))
        simulated = self.json("simulate", spec, *SETUP, "--no-overhead",
                              f"--server-settings=max-num-seqs={SEQUENCES}")["points"][0]
        self.assertEqual(measured["requests"], simulated["requests"])
        return measured, simulated

    @staticmethod
    def apart(measured, simulated):
        """What differs by more than it may."""
        out = []

        def hold(what, ours, theirs, floor):
            if abs(ours - theirs) > max(SHARE * theirs, floor):
                out.append(f"{what}: {ours:.2f} measured, {theirs:.2f} simulated")
        for metric, floor in FLOORS.items():
            hold(f"mean {metric}", measured[metric]["mean"], simulated[metric]["mean"], floor)
        for metric in ("ttft_ms", "itl_ms"):
            for at in ("p50", "p90", "p99"):
                hold(f"{at} {metric}", measured[metric][at], simulated[metric][at], STEP_MS)
        for rate in ("requests_per_second", "output_tokens_per_second"):
            hold(rate, measured[rate], simulated[rate], 0)
        return out

    def test_a_sweep_of_it_and_a_simulation_agree(self):
        url = self.serve(f"--max-num-seqs={SEQUENCES}")
        for rate, requests in LOADS.items():
            with self.subTest(rate=rate):
                for tried in range(TRIES):
                    # Other words each time: what the cache holds of earlier ones is no part of this.
                    apart = self.apart(*self.measure(url, rate, requests, 100 * requests + tried))
                    if not apart:
                        break
                    print(f"{rate} requests/s, try {tried + 1}: {'; '.join(apart)}", file=sys.stderr)
                self.assertFalse(apart)

    def test_mistakes_are_named(self):
        self.assertRegex(self.refused(2, "emulate", "--tp=2"), "--accelerator")
        self.assertRegex(self.refused(2, "emulate", *SETUP, "--step-time=base=1ms"),
                         "give one of them")
        self.assertRegex(
            self.refused(4, "emulate", "--model=deepseek-ai/DeepSeek-R1",
                         "--accelerator=nvidia-h100-80gb"), "one engine")


if __name__ == "__main__":
    unittest.main()
