"""The public client's commands, word for word, and what it prints."""

import json
import unittest

import support
from support import GPT, LLAMA, Case

# Command of the public client, tracks it is in, our short form, flags that make it answer.
TREE = [
    ("models list", "both", "models list", []),
    ("model-servers list", "both", "model-servers list", [f"--model={GPT}"]),
    ("model-server-versions list", "both", "model-server-versions list",
     [f"--model={GPT}", "--model-server=vllm"]),
    ("list", "both", "profiles list", [f"--model={GPT}", "--target-ttft-milliseconds=500"]),
    ("benchmarks list", "both", "benchmarks list", [f"--model={LLAMA}", "--model-server=vllm"]),
    ("manifests create", "both", "manifests create",
     [f"--model={LLAMA}", "--model-server=vllm", "--accelerator-type=nvidia-h100-80gb"]),
    ("use-case list", "both", "use-cases list", []),
    ("serving-stacks list", "both", "serving-stacks list", []),
    ("serving-stack-versions list", "both", "serving-stack-versions list",
     ["--serving-stack=llm-d"]),
    ("accelerators list", "alpha", "accelerators list",
     [f"--model={GPT}", "--max-ntpot-milliseconds=50"]),
    ("model-and-server-combinations list", "alpha", "model-and-server-combinations list",
     [f"--model={GPT}"]),
]

TABLE = ["Instance Type", "Accelerator", "Cost/M Input Tokens", "Cost/M Output Tokens",
         "Output Tokens/s", "NTPOT(ms)", "TTFT(ms)", "ITL(ms)", "Model Server",
         "Model Server Version", "Model", "Use Case", "Average Input Length",
         "Average Output Length", "Serving Stack", "Serving Stack Version"]
CSV = ["Instance Type", "Accelerator Type", "Model Name", "Model Server Name",
       "Model Server Version", "Output Tokens/s", "NTPOT (ms)", "TTFT (ms)", "ITL (ms)", "QPS",
       "Cost/M Input Tokens", "Cost/M Output Tokens", "Use Case", "Average Input Length",
       "Average Output Length", "Serving Stack", "Serving Stack Version"]


class Tree(Case):
    def test_every_command_answers_as_its_short_form_byte_for_byte(self):
        for words, track, short, flags in TREE:
            ours = self.run_program(*short.split(), *flags)
            self.assertEqual(ours.returncode, 0, (short, ours.stderr))
            for prefix in (["container"], ["alpha", "container"]):
                if track == "alpha" and prefix == ["container"]:
                    continue
                theirs = self.run_program(*prefix, "ai", "profiles", *words.split(), *flags)
                self.assertEqual((theirs.returncode, theirs.stdout, theirs.stderr),
                                 (ours.returncode, ours.stdout, ours.stderr), (prefix, words))

    def test_flags_take_a_blank_or_an_equals_sign(self):
        joined = self.good("profiles", "list", f"--model={GPT}", "--limit=3")
        self.assertEqual(self.good("profiles", "list", "--model", GPT, "--limit", "3"), joined)

    def test_flags_that_only_concern_a_google_account_are_accepted(self):
        plain = self.good("models", "list")
        for flags in (["--project=p", "--account=a", "--billing-project=b", "--quiet"],
                      ["--verbosity=none", "--configuration=c", "-q", "--log-http"],
                      ["--impersonate-service-account=x", "--page-size=10",
                       "--user-output-enabled"]):
            self.assertEqual(self.good("container", "ai", "profiles", "models", "list", *flags),
                             plain, flags)

    def test_flags_of_the_list_command_are_all_known(self):
        self.good("container", "ai", "profiles", "list", f"--model={GPT}", "--model-server=vllm",
                  "--model-server-version=all", "--target-ntpot-milliseconds=900",
                  "--target-ttft-milliseconds=9000", "--target-itl-milliseconds=900",
                  "--target-cost-per-million-output-tokens=99.5",
                  "--target-cost-per-million-input-tokens=99.5", "--pricing-model=on-demand",
                  "--target-input-length=226", "--target-output-length=205")
        for command in (["list"], ["benchmarks", "list", f"--model={GPT}", "--model-server=vllm"]):
            self.good("container", "ai", "profiles", *command, "--use-case=Chatbot (ShareGPT)")

    def test_required_flags_are_named(self):
        for words, missing in (("model-servers list", "--model"), ("benchmarks list", "--model"),
                               ("manifests create", "--model"),
                               ("serving-stack-versions list", "--serving-stack")):
            said = self.refused(2, "container", "ai", "profiles", *words.split())
            self.assertIn(missing, said)

    def test_both_names_of_a_use_case_are_understood(self):
        for name in ("Text Generation", "Code Generation", "Deep Research", "chatbot", "chat"):
            self.good("profiles", "list", f"--model={GPT}", f"--use-case={name}")


class Output(Case):
    def test_names_are_a_headed_list(self):
        models = sorted({row["model"] for row in support.table("profiles")})
        self.assertEqual(self.good("models", "list"),
                         "Supported models:\n" + "".join(f"-  {name}\n" for name in models))
        servers = sorted({row["model_server"] for row in support.table("profiles")
                          if row["model"] == GPT})
        self.assertEqual(self.good("model-servers", "list", f"--model={GPT}"),
                         "Supported model servers:\n" + "".join(f"-  {s}\n" for s in servers))
        text = self.good("model-server-versions", "list", f"--model={GPT}", "--model-server=vllm")
        self.assertTrue(text.startswith("Supported model server versions:\n-  "))
        self.assertEqual({line[3:] for line in text.splitlines()[1:]},
                         {row["model_server_version"] for row in support.table("profiles")
                          if row["model"] == GPT and row["model_server"] == "vllm"
                          and row["model_server_version"]})

    def test_the_list_has_the_public_columns_first(self):
        header = self.good("profiles", "list", f"--model={GPT}", "--limit=1").splitlines()[0]
        at = 0
        for title in TABLE:
            found = header.find(title, at)
            self.assertEqual(found, at, (title, header))
            at = found + len(title)
            while at < len(header) and header[at] == " ":
                at += 1
        self.assertIn(header[at:].strip(), ("", "Statistic"))

    def test_no_line_of_the_list_ends_in_blanks(self):
        for line in self.good("profiles", "list", f"--model={GPT}").splitlines():
            self.assertEqual(line, line.rstrip())

    def test_csv_has_the_public_columns_first_and_unix_lines(self):
        for command in (["profiles", "list", f"--model={GPT}", "--format=csvprofile"],
                        ["benchmarks", "list", f"--model={GPT}", "--model-server=vllm"]):
            text = self.good(*command)
            self.assertNotIn("\r", text)
            self.assertEqual(text.splitlines()[0].split(",")[:len(CSV)], CSV)

    def test_missing_figures_are_none_and_missing_costs_are_not_a_number(self):
        text = self.good("profiles", "list", f"--model={GPT}", "--accelerator-type=nvidia-b300")
        self.assertRegex(text.splitlines()[1], r"^None +nvidia-b300 +N/A +N/A +\d+")
        row = support.rows(self.good("profiles", "list", f"--model={GPT}", "--format=csvprofile",
                                     "--accelerator-type=nvidia-b300"))[0]
        self.assertEqual((row["Instance Type"], row["Cost/M Output Tokens"], row["ITL (ms)"]),
                         ("", "N/A", ""))

    def test_costs_have_three_decimals_and_rates_a_point(self):
        for row in support.rows(self.good("benchmarks", "list", f"--model={LLAMA}",
                                          "--model-server=vllm")):
            self.assertRegex(row["Cost/M Output Tokens"], r"^(N/A|\d+\.\d{3})$")
            self.assertRegex(row["QPS"], r"^\d+\.\d+")

    def test_use_cases_are_a_plain_table(self):
        lines = self.good("use-case", "list").splitlines()
        self.assertEqual(lines[0].split(),
                         ["USE_CASE", "AVERAGE_INPUT_LENGTH", "AVERAGE_OUTPUT_LENGTH"])
        self.assertEqual([line[:42].rstrip() for line in lines[1:]],
                         [row["name"] for row in support.table("use_cases")])

    def test_nothing_to_list_is_an_empty_answer_and_a_note(self):
        done = self.run_program("profiles", "list", f"--model={GPT}",
                                "--target-ttft-milliseconds=1")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("Listed 0 items.", done.stderr)
        self.assertEqual(self.good("profiles", "list", f"--model={GPT}", "--format=csvprofile",
                                   "--target-ttft-milliseconds=1").splitlines()[0].split(",")[:3],
                         CSV[:3])
        self.assertEqual(self.json("profiles", "list", f"--model={GPT}",
                                   "--target-ttft-milliseconds=1"), [])

    def test_fields_in_parentheses_pick_columns(self):
        text = self.good("profiles", "list", f"--model={GPT}", "--limit=2",
                         "--format=table(modelServerInfo.model,modelServerInfo.modelServer,"
                         "modelServerInfo.modelServerVersion,acceleratorType)")
        self.assertEqual(text.splitlines()[0].split(),
                         ["MODEL", "MODEL_SERVER", "MODEL_SERVER_VERSION", "ACCELERATOR_TYPE"])
        self.assertEqual(len(text.splitlines()), 3)

    def test_money_is_units_as_text_and_nanos_as_a_number(self):
        for profile in self.json("container", "ai", "profiles", "list", f"--model={GPT}"):
            self.assertEqual(len(profile["performanceStats"]), 1)
            for cost in profile["performanceStats"][0].get("cost", []):
                for key in ("costPerMillionInputTokens", "costPerMillionOutputTokens"):
                    self.assertIsInstance(cost[key]["units"], str)
                    self.assertIsInstance(cost[key]["nanos"], int)
                    self.assertGreater(support.usd(cost[key]), 0)
            self.assertIsInstance(profile["modelServerInfo"]["model"], str)
            self.assertIn("workloadSpec", profile)

    def test_a_limit_on_the_gap_between_tokens_alone_is_honoured(self):
        every = self.json("profiles", "list", f"--model={GPT}")
        under = self.json("profiles", "list", f"--model={GPT}", "--target-itl-milliseconds=7")
        self.assertTrue(under)
        self.assertLess(len(under), len(every))
        for profile in under:
            self.assertLessEqual(profile["performanceStats"][0]["itlMilliseconds"], 7)

    def test_the_older_name_of_a_flag_is_the_same_flag(self):
        new = self.good("accelerators", "list", f"--model={GPT}", "--target-ntpot-milliseconds=20")
        self.assertEqual(self.good("accelerators", "list", f"--model={GPT}",
                                   "--max-ntpot-milliseconds=20"), new)

    def test_the_manifest_parts_and_the_output_file(self):
        command = ["manifests", "create", f"--model={LLAMA}", "--model-server=vllm",
                   "--accelerator-type=nvidia-h100-80gb"]
        whole = self.good(*command)
        manifest = self.good(*command, "--output=manifest")
        comments = self.good(*command, "--output=comments")
        self.assertNotRegex(manifest, r"(?m)^#")
        self.assertTrue(all(line.startswith("#") for line in comments.splitlines() if line))
        self.assertIn(comments.strip(), whole)
        self.assertEqual(support.documents(whole), support.documents(manifest))
        target = self.home / "deploy.yaml"
        self.assertEqual(self.good(*command, f"--output-path={target}"),
                         f"Output saved to {target}\n")
        self.assertEqual(target.read_text(encoding="utf-8"), whole)

    def test_the_default_price_is_spot_and_says_so(self):
        self.assertIn("spot (default)", self.notes("container", "ai", "profiles", "list",
                                                   f"--model={GPT}"))
        models = {cost["pricingModel"] for profile in self.json("profiles", "list",
                                                                f"--model={GPT}")
                  for cost in profile["performanceStats"][0].get("cost", [])}
        self.assertEqual(models, {"spot"})

    def test_json_is_text_that_any_reader_takes(self):
        text = self.good("benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm",
                         "--format=json")
        json.loads(text, parse_constant=lambda name: self.fail(f"{name} in JSON"))


if __name__ == "__main__":
    unittest.main()
