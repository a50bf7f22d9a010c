"""Every command line printed in the public pages of the Quickstart answers from what ships, and says
what is predicted. What is predicted changes with the calibration: no figure stands here."""

import unittest

from support import Case, documents, rows

GCLOUD = ["container", "ai", "profiles"]
GEMMA = "google/gemma-2-27b-it"
DISTILL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"


class Quickstart(Case):
    """In a home of its own that nothing but the shipped catalog has filled."""

    fresh = True

    def listed(self, *arguments):
        return self.json(*GCLOUD, "list", *arguments)

    def kinds(self, found):
        return {one["kneepoint"]["evidence"]["kind"] for one in found}

    def test_gpt_oss_20b_with_a_ttft_of_300(self):
        found = self.listed("--model=openai/gpt-oss-20b", "--pricing-model=on-demand",
                            "--target-ttft-milliseconds=300")
        self.assertIn("nvidia-h100-80gb", {one["acceleratorType"] for one in found})
        for one in found:
            self.assertLessEqual(one["performanceStats"][0]["ttftMilliseconds"], 300)

    def test_the_same_in_every_format(self):
        ask = [*GCLOUD, "list", "--model=openai/gpt-oss-20b", "--pricing-model=on-demand",
               "--target-ttft-milliseconds=300"]
        predicted = [one for one in self.json(*ask)
                     if one["kneepoint"]["evidence"]["kind"] == "predicted"]
        self.assertTrue(predicted)
        for style in ("profile", "table", "csv", "csvprofile"):
            text = self.good(*ask, f"--format={style}")
            self.assertEqual(text.count("predicted"), len(predicted), style)
        for one in documents(self.good(*ask, "--format=yaml")):
            self.assertIn(one["kneepoint"]["evidence"]["kind"], ("predicted", "published"))

    def test_benchmarks_of_distill_qwen_7b_on_vllm(self):
        text = self.good(*GCLOUD, "benchmarks", "list", f"--model={DISTILL}", "--model-server=vllm",
                         "--format=csv")
        found = rows(text)
        self.assertGreaterEqual(len(found), 8)
        for row in found:
            self.assertEqual(row["Model Name"], DISTILL)
            self.assertTrue(row["Evidence Kind"].startswith("predicted"), row)

    def test_gemma_on_l4_with_ntpot_200_and_a_version_nobody_measured(self):
        ask = [f"--model={GEMMA}", "--model-server=vllm", "--model-server-version=v0.7.2",
               "--accelerator-type=nvidia-l4", "--target-ntpot-milliseconds=200"]
        manifest = self.good(*GCLOUD, "manifests", "create", *ask)
        self.assertIn("vllm/vllm-openai:v0.7.2", manifest)
        self.assertIn("nvidia-l4", manifest)
        found = self.listed(*ask)
        self.assertTrue(found)
        self.assertEqual(self.kinds(found), {"predicted"})
        for one in found:
            self.assertLessEqual(one["performanceStats"][0]["ntpotMilliseconds"], 200)
        self.assertIn("stand in for it", self.notes(*GCLOUD, "list", *ask))

    def test_gemma_on_l4_with_ntpot_250(self):
        ask = [f"--model={GEMMA}", "--model-server=vllm", "--accelerator-type=nvidia-l4",
               "--target-ntpot-milliseconds=250"]
        self.assertIn("kind: Deployment", self.good(*GCLOUD, "manifests", "create", *ask))
        found = self.listed(*ask)
        self.assertEqual(self.kinds(found), {"predicted"})

    def test_distill_qwen_7b_on_a100(self):
        ask = [f"--model={DISTILL}", "--model-server=vllm", "--accelerator-type=nvidia-tesla-a100"]
        self.assertEqual(self.kinds(self.listed(*ask)), {"predicted"})
        self.assertIn("nvidia-tesla-a100", self.good(*GCLOUD, "manifests", "create", *ask))

    def test_large_models_over_two_nodes_of_eight_h100(self):
        for model in ("meta-llama/Llama-3.1-405B", "deepseek-ai/DeepSeek-R1"):
            with self.subTest(model):
                found = self.listed(f"--model={model}", "--accelerator-type=nvidia-h100-80gb",
                                    "--evidence=predicted")
                self.assertIn(16, {one["resourcesUsed"]["acceleratorCount"] for one in found})
                self.assertEqual(self.kinds(found), {"predicted"})

    def test_evidence_measured_leaves_predictions_out(self):
        ask = ["profiles", "list", f"--model={GEMMA}", "--accelerator-type=nvidia-l4"]
        self.assertTrue(self.json(*ask))
        for flag in (["--evidence", "measured"], ["--evidence=measured"]):
            done = self.run_program(*ask, *flag, "--format=json")
            self.assertNotIn("predicted", done.stdout)

    def test_the_evidence_of_a_prediction_says_what_is_behind_it(self):
        found = self.listed(f"--model={GEMMA}", "--accelerator-type=nvidia-l4")
        for one in found:
            evidence = one["kneepoint"]["evidence"]
            self.assertTrue(evidence["by"])
            self.assertGreater(evidence["bandRatio80"]["tpot"], 1)
            self.assertIn("predicted by calibration", evidence["sentence"])

    def test_lengths_nothing_is_stored_for_are_answered_and_marked(self):
        ask = ["profiles", "list", f"--model={GEMMA}", "--accelerator-type=nvidia-l4",
               "--target-input-length=3000", "--target-output-length=500"]
        found = self.json(*ask)
        self.assertTrue(found)
        for one in found:
            self.assertIn("estimate", one["kneepoint"]["evidence"]["sentence"])
        self.assertIn("estimate", self.notes(*ask))


if __name__ == "__main__":
    unittest.main()
