"""What is wrong is said in one clear sentence, with the status its kind has, and nothing else."""

import json
import pathlib
import tempfile
import unittest

from support import GPT, LLAMA, Case

BENCH = ["benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm"]
LIST = ["profiles", "list", f"--model={GPT}"]


class Sentences(Case):
    CASES = [
        (2, ["profile", "list"], r"profiles"),
        (2, ["profiles", "lst"], r"list"),
        (2, ["container", "ai", "profiles", "lists"], r"list"),
        (2, [*LIST, "--traget-ttft-milliseconds=3"], r"--target-ttft-milliseconds"),
        (2, [*LIST, "--nonsense"], r"--nonsense"),
        (2, [*LIST, "extra"], r"extra"),
        (2, ["recommend"], r"--model"),
        (2, ["explain"], r"PROFILE"),
        (2, [*LIST, "--target-ttft-milliseconds=300ms"], r"without a unit: 300\b"),
        (2, [*LIST, "--target-ttft-milliseconds=0.3s"], r"without a unit: 300\b"),
        (2, [*LIST, "--target-ttft-milliseconds=-5"], r"at least 1, not -5"),
        (2, [*LIST, "--target-ttft-milliseconds", "-5"], r"at least 1, not -5"),
        (2, [*LIST, "--target-ttft-milliseconds=0"], r"at least 1"),
        (2, [*LIST, "--target-ttft-milliseconds=1.5"], r"whole number"),
        (2, [*LIST, "--target-ttft-milliseconds=nan"], r"whole number"),
        (2, [*LIST, "--target-ttft-milliseconds="], r"needs a value"),
        (2, [*LIST, "--target-ttft-milliseconds=99999999999999999999"], r"at most|whole number"),
        (2, [*LIST, "--expected-load=nan"], r"number of requests per second"),
        (2, [*LIST, "--expected-load=inf"], r"number of requests per second"),
        (2, [*LIST, "--expected-load=1e999"], r"number of requests per second|at most"),
        (2, [*LIST, "--expected-load=0"], r"above 0"),
        (2, [*LIST, "--expected-load=-1"], r"above 0|at least"),
        (2, [*LIST, "--expected-load=12rps"], r"without a unit|not \"12rps\""),
        (2, [*LIST, "--headroom=20%"], r"without a unit: 0\.2\b"),
        (2, [*LIST, "--headroom=1"], r"at most 0\.95"),
        (2, [*LIST, "--max-price-per-hour=$4"], r"without a unit: 4\b"),
        (2, [*LIST, "--max-price-per-hour=-4"], r"above 0"),
        (2, [*LIST, "--output-input-cost-ratio=0"], r"above 0"),
        (2, [*LIST, "--limit=0"], r"at least 1"),
        (2, [*LIST, "--pricing-model=ondemand"], r"did you mean on-demand"),
        (2, [*LIST, "--format=jsno"], r"did you mean json"),
        (2, [*LIST, "--format=table()"], r"no field|fields"),
        (2, [*LIST, "--filter=nothing"], r"no condition"),
        (2, [*LIST, "--region=us-centrall1"], r"us-central1"),
        (2, [*LIST, "--provider=gpc"], r"gcp"),
        (2, [*LIST, "--instance-type=a3-highgpu-9g"], r"a3-highgpu-\dg"),
        (2, [*LIST, "--target-input-length=100"], r"--target-output-length"),
        (2, [*LIST, "--target-output-length=100"], r"--target-input-length"),
        (2, [*LIST, "--statistic=nearest"], r"exact or closest"),
        (2, ["deploy", "--model=meta-llama/Llama-3.1-8B-Instruct", "--accelerator-type=nvidia-l4",
             "--platform=cloud-run"], r"gcloud run services replace"),
        (3, ["profiles", "list", "--model=openai/gpt-oss-12b"], r"openai/gpt-oss-120b"),
        (3, ["profiles", "list", "--model=gpt-oss-120b"], r"openai/gpt-oss-120b"),
        (3, ["profiles", "list", "--model=GPT-OSS"], r"unknown model 'GPT-OSS'"),
        (3, ["model-servers", "list", "--model=meta-llama/Llama-3.3-70B"],
         r"meta-llama/Llama-3\.3-70B-Instruct"),
        (3, [*LIST, "--model-server=vlm"], r"there are .*vllm"),
        (3, [*BENCH, "--model-server-version=0.99"], r"there are .*0\.10\.2"),
        (3, [*LIST, "--accelerator-type=nvidia-h100"], r"nvidia-h100-80gb"),
        (3, [*LIST, "--use-case=Chat Bot 3000"], r"Chatbot \(ShareGPT\)"),
        (3, [*LIST, "--target-input-length=3", "--target-output-length=3"], r"within 20 %"),
        (3, ["explain", "s-bb1ab26fe8"], r"did you mean s-bb1ab26fe9"),
        (3, ["manifests", "create", f"--model={GPT}", "--accelerator-type=nvidia-h10"],
         r"nvidia-h100|did you mean"),
        (2, ["bench", "sweep", "--url=http://127.0.0.1:1", "--model=m", "--service=chat"],
         r"--service .* add --in-cluster"),
        (2, ["bench", "sweep", "--in-cluster", "--service=chat", "--token-env=HOME"], r"--token-secret"),
        (2, ["bench", "sweep", "--in-cluster", "--service=chat", "--token-secret=key"], r"NAME:KEY"),
        (2, ["bench", "sweep", "--in-cluster", "--service=chat", "--node-selector=pool"], r"KEY=VALUE"),
        (2, ["completion", "tcsh"], r"bash, zsh or fish"),
        (2, ["models", "list", "--store="], r"needs a value|--store"),
    ]

    def test_each_mistake_has_its_status_and_one_sentence(self):
        for status, arguments, wanted in self.CASES:
            with self.subTest(arguments=arguments):
                done = self.run_program(*arguments)
                self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())),
                                 (status, "", 1), done.stderr)
                self.assertTrue(done.stderr.startswith("kneepoint: "))
                self.assertRegex(done.stderr, wanted)
                self.assertLess(len(done.stderr), 2500)

    def test_a_file_that_is_no_yaml_is_said_to_be_none(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = pathlib.Path(folder, "broken.yaml")
            broken.write_text("kind: [\n", encoding="utf-8")
            for file in (broken, folder):
                done = self.run_program("deploy", "--yes", f"--filename={file}")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, r"broken\.yaml: line \d+ is no YAML")
            done = self.run_program("doctor", str(broken), "--format=json")
            self.assertEqual(json.loads(done.stdout)["findings"][0]["id"], "yaml-syntax")
            broken.write_text("kind: Service\nmetadata: {name: x}\n", encoding="utf-8")
            done = self.run_program("doctor", str(broken), "--format=json")
            self.assertEqual(json.loads(done.stdout)["findings"][0]["id"], "no-object")

    def test_hostile_bytes_come_back_as_text(self):
        for word in ("\x1b[31mred", "a\nkneepoint: b", "x" * 100000, "\u202e", "%s%n"):
            done = self.run_program("profiles", "list", f"--model={word}")
            self.assertEqual(done.returncode, 3)
            self.assertLess(len(done.stderr), 2000)
            self.assertNotIn("\x1b", done.stderr, repr(word))
            self.assertEqual(len(done.stderr.splitlines()), 1, repr(word))


class Imports(Case):
    def lines(self, count=3):
        target = self.home / "all.jsonl"
        self.good("store", "export", target)
        kept = [line for line in target.read_text(encoding="utf-8").splitlines()
                if "layer" not in json.loads(line) or "id" in json.loads(line)]
        return kept[:count + 1]

    def own(self):
        return next(row for row in self.json("store", "info") if row["layer"] == "own")["profiles"]

    def test_a_wrong_line_is_named_and_nothing_is_imported(self):
        good = self.lines()
        profile = json.loads(good[2])

        def changed(**values):
            return json.dumps({**profile, **values})

        for wrong in ("{", "[]", "{}", changed(id=""), changed(points=[]), changed(id=7),
                      changed(load_kind="sideways"),
                      changed(points=[{**profile["points"][0], "load": -1}]),
                      good[2].replace('"load": ', '"load": 1e999') if '"load": ' in good[2]
                      else good[2].replace('"load":', '"load":1e999'),
                      good[2][:-40]):
            file = self.home / "wrong.jsonl"
            file.write_text("\n".join([good[0], good[1], wrong, good[3]]) + "\n", encoding="utf-8")
            said = self.refused(2, "store", "import", file)
            self.assertRegex(said, r"wrong\.jsonl: .*\b3\b", wrong[:80])
            self.assertEqual(self.own(), 0)

    def test_a_file_of_something_else_is_refused(self):
        for text in ("", "\n", "hello\n", '{"format":"other","version":1}\n',
                     '{"format":"kneepoint.profiles","version":99}\n'):
            file = self.home / "other.jsonl"
            file.write_text(text, encoding="utf-8")
            done = self.run_program("store", "import", file)
            self.assertIn(done.returncode, (2, 6), (text, done.stdout))
            self.assertRegex(done.stderr, r"^kneepoint: .*other\.jsonl.*\n$")
        self.refused(3, "store", "import", self.home / "nowhere.jsonl")

    def test_from_standard_input(self):
        self.good("store", "import", "-", stdin="\n".join(self.lines()) + "\n")
        self.assertEqual(self.own(), 3)


if __name__ == "__main__":
    unittest.main()
