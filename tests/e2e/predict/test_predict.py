"""`predict`: one answer, a curve, every row of a file, every setup there is."""

import csv
import io
import json
import unittest

import jsonschema

from support import ROOT, Case, rows, table

SETUP = ["--model=meta-llama/Llama-3.1-8B-Instruct", "--accelerator=nvidia-h100-80gb", "--tp=1",
         "--input-length=512", "--output-length=128"]


class Predict(Case):
    def test_a_curve_has_a_knee_bands_and_evidence(self):
        found = self.json("predict", *SETUP)
        self.assertEqual(found["schema"], "kneepoint.prediction.v1")
        self.assertEqual(found["profile"]["evidence"]["kind"], "predicted")
        points = found["profile"]["points"]
        self.assertTrue(8 <= len(points) <= 12, len(points))
        loads = [one["load"] for one in points]
        self.assertEqual(loads, sorted(loads))
        for one in points:
            for metric in ("ttft_ms", "tpot_ms", "e2e_ms"):
                band = one["band_80"][metric]
                self.assertLessEqual(band["low"], one[metric]["mean"] * (1 + 1e-9))
                self.assertGreaterEqual(band["high"], one[metric]["mean"] * (1 - 1e-9))
        self.assertIn(found["knee"]["state"], ("found", "not_reached"))

    def test_the_json_is_valid_under_its_schema(self):
        schemas = {name: json.loads((ROOT / "docs/schema" / f"{name}.v1.json").read_text())
                   for name in ("prediction", "profile")}
        for ask in ([], ["--concurrency=4"]):
            found = self.json("predict", *SETUP, *ask)
            jsonschema.validate(found, schemas["prediction"])
            jsonschema.validate(found["profile"], schemas["profile"])

    def test_one_load_is_one_answer(self):
        for flag in ("--concurrency=8", "--rate=2"):
            found = self.json("predict", *SETUP, flag)
            self.assertEqual(len(found["profile"]["points"]), 1, flag)

    def test_every_format_says_predicted(self):
        for style in ("table", "csv", "profile", "csvprofile"):
            text = self.good("predict", *SETUP, "--concurrency=1,8", f"--format={style}")
            self.assertEqual(text.count("predicted"), 2, style)
        self.assertIn("kind: predicted", self.good("predict", *SETUP, "--concurrency=8",
                                                   "--format=yaml"))

    def test_more_load_is_never_more_throughput_per_client(self):
        points = self.json("predict", *SETUP)["profile"]["points"]
        shares = [one["requests_per_second"] / one["load"] for one in points]
        for before, after in zip(shares, shares[1:]):
            self.assertLessEqual(after, before * 1.1)

    def test_prompts_may_have_workers_of_their_own(self):
        setup = ["--model=meta-llama/Llama-3.1-70B-Instruct", "--accelerator=nvidia-h100-80gb",
                 "--prefill-workers=1", "--prefill-tp=4", "--decode-workers=2", "--decode-tp=4",
                 "--input-length=2048", "--output-length=256", "--concurrency=32"]
        alone = self.json("predict", *setup)["profile"]
        self.assertEqual(alone["setup"]["decoding"], "disaggregated")
        self.assertEqual(alone["setup"]["accelerator_count"], 12)
        more = self.json("predict", *setup, "--prefill-workers=3")["profile"]
        self.assertLess(more["points"][0]["ttft_ms"]["mean"],
                        alone["points"][0]["ttft_ms"]["mean"])
        one = self.json("predict", *[flag for flag in setup if "workers" not in flag
                                     and "-tp" not in flag], "--tp=4")["profile"]
        self.assertLess(alone["points"][0]["tpot_ms"]["mean"], one["points"][0]["tpot_ms"]["mean"])
        simulated = self.json("simulate", *setup)
        self.assertIn("points", simulated)
        said = self.refused(2, "predict", *setup[:2], "--prefill-workers=1")
        self.assertIn("--decode-workers", said)
        said = self.refused(2, "predict", *setup, "--tp=4")
        self.assertIn("--prefill-tp", said)

    def test_mistakes_are_named(self):
        self.assertRegex(self.refused(2, "predict", "--model=m"), "--accelerator")
        self.assertRegex(
            self.refused(3, "predict", "--model=meta-llama/Llama-3.1-8B",
                         "--accelerator=nvidia-h100"), "nvidia-h100-80gb|h100")
        self.assertRegex(self.refused(2, "predict", *SETUP, "--rate=1", "--concurrency=1"),
                         "give one of them")
        self.assertRegex(self.refused(2, "predict", *SETUP, "--rate=none"), "--rate")

    def points_file(self, count=5, extra=""):
        by_id = {row["id"]: row for row in table("profiles")}
        out = io.StringIO()
        names = ["point_id", "model", "model_server", "model_server_version", "accelerator",
                 "accelerator_count", "tensor_parallel", "weight_precision", "load_kind",
                 "load_value", "input_tokens_mean", "output_tokens_mean", "tpot_mean_ms"]
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        written = 0
        for point in table("points"):
            profile = by_id[point["profile"]]
            if profile["kind"] != "serving" or profile["load_kind"] != "concurrency":
                continue
            writer.writerow({
                "point_id": point["point_id"], "load_kind": "concurrency",
                "load_value": point["load"], "input_tokens_mean": point["input_tokens_mean"],
                "output_tokens_mean": point["output_tokens_mean"], "tpot_mean_ms": "0.001",
                **{name: profile[name] for name in names if name in profile and
                   name not in ("input_tokens_mean", "output_tokens_mean")}})
            written += 1
            if written == count:
                break
        path = self.home / "points.csv"
        path.write_text(out.getvalue() + extra)
        return path

    def test_every_row_of_a_file_is_answered(self):
        path = self.points_file()
        out = self.home / "out.csv"
        self.good("predict", f"--points={path}", f"--out={out}")
        given, answers = rows(path.read_text()), rows(out.read_text())
        self.assertEqual([row["point_id"] for row in given], [row["point_id"] for row in answers])
        for row in answers:
            self.assertEqual(row["predicted_error"], "")
            for metric in ("ttft", "tpot", "e2e"):
                low, value, high = (float(row[f"predicted_{metric}_mean_ms{end}"])
                                    for end in ("_low", "", "_high"))
                self.assertTrue(0 < low <= value <= high, row)

    def test_measured_columns_are_not_read(self):
        path = self.points_file()
        first = self.good("predict", f"--points={path}")
        path.write_text(path.read_text().replace(",0.001\n", ",999\n"))
        second = self.good("predict", f"--points={path}")
        self.assertEqual(first, second.replace(",999,", ",0.001,"))

    def test_a_row_that_cannot_be_read_does_not_stop_the_others(self):
        path = self.points_file(2, "bad,m,vllm,,nvidia-l4,1,1,bf16,concurrency,lots,1,1,\n")
        done = self.run_program("predict", f"--points={path}")
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = rows(done.stdout)
        self.assertEqual([bool(row["predicted_error"]) for row in answers], [False, False, True])
        self.assertIn("lots", answers[2]["predicted_error"])

    def test_all_is_resumed_and_then_has_nothing_to_do(self):
        ask = ["predict", "--all", "--model=google/gemma-2-2b-it", "--accelerator=nvidia-l4",
               "--model-server=sglang", "--input-length=300", "--output-length=40"]
        self.assertRegex(self.good(*ask), "1 new, 0 there already")
        self.assertRegex(self.good(*ask), "0 new, 1 there already")
        found = self.json("profiles", "list", "--model=google/gemma-2-2b-it",
                          "--model-server=sglang", "--target-input-length=300",
                          "--target-output-length=40")
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0]["kneepoint"]["evidence"]["kind"], "predicted")

    def test_the_same_question_gives_the_same_bytes(self):
        first = self.good("predict", *SETUP, "--format=json")
        self.assertEqual(first, self.good("predict", *SETUP, "--format=json"))
        json.loads(first)


if __name__ == "__main__":
    unittest.main()
