"""`search`: the cheapest setup under targets."""

import unittest

from support import Case

ASK = ["search", "--model=meta-llama/Llama-3.1-8B-Instruct", "--input-length=256",
       "--output-length=64", "--requests=100", "--loads=6"]


class Search(Case):
    def test_the_cheapest_that_meets_the_targets_comes_first(self):
        found = self.json(*ASK, "--target-tpot-milliseconds=40", "--expected-load=20",
                          "--accelerator-type=nvidia-l4,nvidia-h100-80gb")
        self.assertTrue(found)
        prices = [one["kneepoint"]["fleetUsdPerHour"] for one in found
                  if "fleetUsdPerHour" in one["kneepoint"]]
        self.assertEqual(prices, sorted(prices))
        for one in found:
            self.assertEqual(one["kneepoint"]["evidence"]["kind"], "predicted")
            latency = one["kneepoint"]["operatingPoint"]["latency"]["tpot_ms"]
            self.assertLessEqual(min(latency.values()), 40)
            self.assertIn("tensorParallel", one["kneepoint"]["setup"])

    def test_tries_what_it_is_told_to_try(self):
        found = self.json(*ASK, "--accelerator-type=nvidia-h100-80gb", "--tp=1,2", "--pp=1",
                          "--weight-precision=bf16,fp8", "--kv-precision=fp8",
                          "--max-num-seqs=32,64", "--limit=100")
        setups = {(one["kneepoint"]["setup"]["tensorParallel"], one["kneepoint"]["weightPrecision"],
                   one["kneepoint"]["setup"]["serverSettings"]) for one in found}
        self.assertEqual(len(setups), 8)

    def test_the_answer_does_not_depend_on_threads(self):
        ask = [*ASK, "--accelerator-type=nvidia-h100-80gb", "--format=json"]
        self.assertEqual(self.good(*ask, "--threads=1"), self.good(*ask, "--threads=4"))

    def test_a_table_says_predicted(self):
        text = self.good(*ASK, "--accelerator-type=nvidia-h100-80gb", "--limit=3")
        self.assertEqual(text.count("predicted"), 3)


if __name__ == "__main__":
    unittest.main()
