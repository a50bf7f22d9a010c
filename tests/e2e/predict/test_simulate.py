"""`simulate`: the load generator's spec against a simulated server, with the same report."""

import json
import unittest

import yaml

from support import Case

SETUP = ["--model=meta-llama/Llama-3.1-8B-Instruct", "--accelerator=nvidia-h100-80gb", "--tp=1"]


class Simulate(Case):
    def spec(self, **members):
        path = self.home / "run.yaml"
        path.write_text(yaml.safe_dump({
            "url": "http://127.0.0.1:9", "model": "m",
            "lengths": {"input": 256, "output": 64}, "requests": 400, **members}))
        return path

    def test_the_report_is_that_of_a_load_run_and_says_predicted(self):
        report = self.json("simulate", *SETUP, "--concurrency=8", "--requests=300",
                           "--input-length=256", "--output-length=64")
        self.assertEqual(report["schema"], "kneepoint.bench-report.v1")
        self.assertEqual(report["evidence"]["kind"], "predicted")
        point = report["points"][0]
        self.assertEqual(point["requests"]["completed"], 300)
        for metric in ("ttft_ms", "tpot_ms", "itl_ms", "e2e_ms"):
            self.assertGreater(point[metric]["p50"], 0, metric)

    def test_takes_the_load_generators_spec(self):
        spec = self.spec(arrivals={"pattern": "poisson", "rate": 4})
        report = self.json("simulate", spec, *SETUP)
        self.assertEqual(report["points"][0]["requests"]["completed"], 400)
        self.assertAlmostEqual(report["points"][0]["requests_per_second"], 4, delta=1)

    def test_the_same_seed_gives_the_same_bytes(self):
        ask = ["simulate", self.spec(in_flight=16), *SETUP, "--format=json"]
        self.assertEqual(self.good(*ask), self.good(*ask))

    def test_four_replicas_carry_more_than_one(self):
        def rate(replicas, router):
            report = self.json("simulate", *SETUP, "--concurrency=512", "--requests=2000",
                               f"--replicas={replicas}", f"--router={router}",
                               "--input-length=256", "--output-length=64")
            return report["points"][0]["requests_per_second"]
        one = rate(1, "least-requests")
        for router in ("round-robin", "least-requests", "least-kv", "prefix-aware"):
            self.assertGreater(rate(4, router), 1.5 * one, router)

    def test_two_simulations_can_be_compared(self):
        for name, count in (("a", 1), ("b", 2)):
            self.good("simulate", *SETUP, "--concurrency=64", "--requests=1500",
                      "--input-length=256", "--output-length=64", f"--replicas={count}",
                      f"--report={self.home / name}.json")
        done = self.run_program("bench", "compare", self.home / "a.json", self.home / "b.json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("64", done.stdout)
        json.loads((self.home / "a.json").read_text())

    def test_mistakes_are_named(self):
        self.assertRegex(self.refused(2, "simulate", *SETUP), "how much load")
        self.assertRegex(self.refused(2, "simulate", "--concurrency=1"), "--model")


if __name__ == "__main__":
    unittest.main()
