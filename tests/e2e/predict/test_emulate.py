"""`emulate --accelerator`: the same step times as a simulation of the same setup."""

import json
import os
import signal
import subprocess
import unittest

from support import PROGRAM, Case

SETUP = ["--model=meta-llama/Llama-3.1-8B-Instruct", "--accelerator=nvidia-h100-80gb", "--tp=1"]


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

    def test_a_run_of_it_and_a_simulation_agree(self):
        load = ["--concurrency=8", "--requests=160"]
        url = self.serve()
        report = self.home / "measured.json"
        self.good("bench", "run", f"--url={url}", SETUP[0], *load, "--input-tokens=256",
                  "--output-tokens=48", "--no-keep-profile", f"--report={report}")
        measured = json.loads(report.read_text())["points"][0]
        simulated = self.json("simulate", *SETUP, *load, "--input-length=256",
                              "--output-length=48", "--no-overhead")["points"][0]
        for metric in ("tpot_ms", "e2e_ms"):
            self.assertAlmostEqual(measured[metric]["mean"] / simulated[metric]["mean"], 1,
                                   delta=0.03, msg=metric)

    def test_mistakes_are_named(self):
        self.assertRegex(self.refused(2, "emulate", "--tp=2"), "--accelerator")
        self.assertRegex(self.refused(2, "emulate", *SETUP, "--step-time=base=1ms"),
                         "give one of them")
        self.assertRegex(
            self.refused(4, "emulate", "--model=deepseek-ai/DeepSeek-R1",
                         "--accelerator=nvidia-h100-80gb"), "one engine")


if __name__ == "__main__":
    unittest.main()
