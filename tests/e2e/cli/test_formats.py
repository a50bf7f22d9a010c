"""Every measured load, in every format, with its evidence."""

import collections
import unittest

import support
from support import GPT, LLAMA, Case

LISTS = [
    ["models", "list"],
    ["model-servers", "list", f"--model={GPT}"],
    ["model-server-versions", "list", f"--model={GPT}", "--model-server=vllm"],
    ["model-and-server-combinations", "list", f"--model={GPT}"],
    ["use-cases", "list"],
    ["catalog", "info"],
    ["store", "info"],
]


def figure(value):
    return "" if value is None else str(support.rounded(value))


def expected_row(profile, point):
    cells = [profile["accelerator"], profile["model"], profile["model_server"],
             profile["model_server_version"],
             figure(float(point["output_tokens_per_second"])
                    if point["output_tokens_per_second"] else None)]
    for metric in ("ntpot", "ttft", "itl"):
        value = support.nearest_statistic(point, metric)[0]
        e2e, length = point["e2e_mean_ms"], point["output_tokens_mean"]
        if metric == "ntpot" and value is None and e2e and length:
            value = float(e2e) / float(length)
        cells.append(figure(value))
    return tuple(cells), float(point["requests_per_second"]) if point["requests_per_second"] else -1


def printed_row(row):
    cells = tuple(row[name] for name in
                  ("Accelerator Type", "Model Name", "Model Server Name", "Model Server Version",
                   "Output Tokens/s", "NTPOT (ms)", "TTFT (ms)", "ITL (ms)"))
    return cells, float(row["QPS"]) if row["QPS"] else -1


class EveryLoad(Case):
    def compare(self, profiles, *arguments):
        printed = [printed_row(row) for row in support.rows(self.good(*arguments))]
        wanted = [expected_row(profile, point) for profile in profiles
                  for point in support.points_of(profile["id"])]
        self.assertGreater(len(wanted), 0)
        self.assertEqual(collections.Counter(printed), collections.Counter(wanted))

    def test_the_issues_example_prints_one_row_per_measured_load(self):
        self.compare(support.newest_benchmarked(LLAMA, "vllm"), "benchmarks", "list",
                     f"--model={LLAMA}", "--model-server=vllm")

    def test_by_default_the_newest_benchmarked_version_of_each_accelerator_and_workload(self):
        for model, server in ((GPT, "vllm"), ("deepseek-ai/DeepSeek-R1-0528", "sglang")):
            self.compare(support.newest_benchmarked(model, server), "benchmarks", "list",
                         f"--model={model}", f"--model-server={server}")

    def test_every_version_on_request(self):
        for model in (GPT, LLAMA, "meta-llama/Llama-3.1-8B-Instruct"):
            mine = [row for row in support.table("profiles") if row["model"] == model and
                    row["model_server"] == "vllm" and row["kind"] == "serving"]
            self.compare(mine, "benchmarks", "list", f"--model={model}", "--model-server=vllm",
                         "--model-server-version=all")

    def test_one_version_and_one_accelerator(self):
        mine = [row for row in support.table("profiles") if row["model"] == GPT and
                row["model_server"] == "vllm" and row["model_server_version"] == "0.10.2" and
                row["accelerator"] == "nvidia-h100-80gb" and row["kind"] == "serving"]
        self.compare(mine, "benchmarks", "list", f"--model={GPT}", "--model-server=vllm",
                     "--model-server-version=0.10.2", "--accelerator-type=nvidia-h100-80gb")

    def test_profiles_that_split_the_work_or_guess_tokens_come_on_request(self):
        every = [row for row in support.table("profiles") if row["model"] ==
                 "deepseek-ai/DeepSeek-R1-0528" and row["model_server"] == "sglang"]
        self.compare(every, "benchmarks", "list", "--model=deepseek-ai/DeepSeek-R1-0528",
                     "--model-server=sglang", "--model-server-version=all", "--decoding=any")
        self.assertIn("--decoding=any", self.notes(
            "benchmarks", "list", "--model=deepseek-ai/DeepSeek-R1-0528",
            "--model-server=sglang"))


class Formats(Case):
    def test_a_list_says_the_same_in_csv_json_yaml_and_table(self):
        for command in LISTS:
            objects = self.json(*command)
            self.assertTrue(objects, command)
            self.assertEqual(support.documents(self.good(*command, "--format=yaml")), objects)
            lines = support.rows(self.good(*command, "--format=csv"))
            self.assertEqual(len(lines), len(objects), command)
            for line, one in zip(lines, objects):
                self.assertEqual([str(value) for value in one.values()],
                                 [value for value in line.values() if value], command)
            self.assertEqual(len(self.good(*command, "--format=table").splitlines()),
                             len(objects) + 1, command)

    def test_profiles_say_the_same_in_every_format(self):
        command = ["profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
                   "--target-ttft-milliseconds=2000"]
        objects = self.json(*command)
        self.assertEqual(support.documents(self.good(*command, "--format=yaml")), objects)
        lines = support.rows(self.good(*command, "--format=csv"))
        text = self.good(*command).splitlines()[1:]
        self.assertEqual((len(lines), len(text)), (len(objects), len(objects)))
        for one, line, words in zip(objects, lines, text):
            stats = one["performanceStats"][0]
            for key, title in (("outputTokensPerSecond", "Output Tokens/s"),
                               ("ntpotMilliseconds", "NTPOT (ms)"),
                               ("ttftMilliseconds", "TTFT (ms)"), ("itlMilliseconds", "ITL (ms)")):
                self.assertEqual(str(stats.get(key, "")), line[title])
            self.assertEqual(one["acceleratorType"], line["Accelerator Type"])
            self.assertIn(one["acceleratorType"], words)
            if "cost" in stats:
                cost = f"{support.usd(stats['cost'][0]['costPerMillionOutputTokens']):.3f}"
                self.assertEqual(cost, line["Cost/M Output Tokens"])
                self.assertIn(cost, words)

    def test_benchmarks_say_the_same_in_json_yaml_and_csv(self):
        command = ["benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm"]
        objects = self.json(*command)
        self.assertEqual(support.documents(self.good(*command, "--format=yaml")), objects)
        lines = support.rows(self.good(*command))
        flat = [(one, stats) for one in objects for stats in one["performanceStats"]]
        self.assertEqual(len(flat), len(lines))
        for (one, stats), line in zip(flat, lines):
            self.assertEqual(str(stats["outputTokensPerSecond"]), line["Output Tokens/s"])
            self.assertEqual(stats["queriesPerSecond"], float(line["QPS"]))
            self.assertEqual(one["modelServerInfo"]["model"], line["Model Name"])

    def test_a_benchmark_is_printed_as_it_was_published(self):
        by_id = {row["id"]: row for row in support.table("profiles")}
        for one in self.json("benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm"):
            self.assertIn(one["kneepoint"]["profile"], by_id)
            points = support.points_of(one["kneepoint"]["profile"])
            self.assertEqual(len(points), len(one["kneepoint"]["points"]))
            for row, point in zip(points, one["kneepoint"]["points"]):
                self.assertEqual(point["load"], float(row["load"]))
                for metric, figures in point["latency"].items():
                    for statistic, value in figures.items():
                        column = f"{metric.removesuffix('_ms')}_{statistic}_ms"
                        self.assertEqual(value, float(row[column]), column)

    def test_sort_limit_and_filter(self):
        command = ["profiles", "list", f"--model={GPT}", "--format=csv"]
        up = [float(row["Output Tokens/s"]) for row in support.rows(
            self.good(*command, "--sort-by=outputTokensPerSecond"))]
        down = [float(row["Output Tokens/s"]) for row in support.rows(
            self.good(*command, "--sort-by=~outputTokensPerSecond"))]
        self.assertGreater(len(up), 5)
        self.assertEqual(up, sorted(up))
        self.assertEqual(down, sorted(up, reverse=True))
        self.assertEqual([float(row["Output Tokens/s"]) for row in support.rows(
            self.good(*command, "--sort-by=~outputTokensPerSecond", "--limit=3"))], down[:3])
        kept = support.rows(self.good(*command, "--filter=modelServer=vllm AND acceleratorType:H100"))
        self.assertTrue(kept)
        self.assertEqual({(row["Model Server Name"], row["Accelerator Type"]) for row in kept},
                         {("vllm", "nvidia-h100-80gb")})
        for form in ("json", "yaml"):
            text = self.good("models", "list", "--limit=4", "--sort-by=~model", f"--format={form}")
            self.assertEqual(text.count("model"), 4)

    def test_json_lists_are_sorted_limited_and_filtered_too(self):
        some = self.json("profiles", "list", f"--model={GPT}", "--limit=2",
                         "--filter=acceleratorType=nvidia-h100-80gb",
                         "--sort-by=~outputTokensPerSecond")
        self.assertEqual({one["acceleratorType"] for one in some}, {"nvidia-h100-80gb"})
        rates = [one["performanceStats"][0]["outputTokensPerSecond"] for one in some]
        self.assertEqual((len(rates), rates), (2, sorted(rates, reverse=True)))

    def test_benchmarks_as_json_are_limited_and_filtered_too(self):
        command = ["benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm"]
        lines = support.rows(self.good(*command, "--limit=7"))
        points = [stats for one in self.json(*command, "--limit=7")
                  for stats in one["performanceStats"]]
        self.assertEqual((len(lines), len(points)), (7, 7))
        only = self.json(*command, "--filter=acceleratorType=nvidia-h100-80gb")
        self.assertEqual({one["acceleratorType"] for one in only}, {"nvidia-h100-80gb"})

    def test_an_unknown_field_is_named_with_those_there_are(self):
        for flag in ("--sort-by=colour", "--filter=colour=red", "--format=table(colour)"):
            said = self.refused(2, "profiles", "list", f"--model={GPT}", flag)
            self.assertIn("colour", said)
            self.assertIn("acceleratorType", said)


class Marked(Case):
    """A figure that is not the median its column promises is marked wherever it is printed."""

    def test_in_every_format(self):
        for command in (["profiles", "list", f"--model={LLAMA}", "--model-server=vllm",
                         "--target-ttft-milliseconds=2000"],
                        ["benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm"]):
            for form in ("profile", "table", "csv", "csvprofile"):
                lines = self.good(*command, f"--format={form}").splitlines()
                self.assertTrue(lines[0].rstrip().endswith(
                    ("Statistic", "STATISTICS_SHOWN")), (command, form))
                for line in lines[1:]:
                    self.assertRegex(line, r"\b(mean|p90|p99)\b", (command, form))
            for form in ("json", "yaml"):
                for one in support.documents(self.good(*command, f"--format={form}"))[0:1]:
                    one = one[0] if isinstance(one, list) else one
                    self.assertRegex(str(one["kneepoint"]), r"\bmean\b")

    def test_each_object_names_the_statistics_shown(self):
        for one in self.json("profiles", "list", f"--model={GPT}"):
            shown = one["kneepoint"].get("statisticsShown", "p50")
            latency = one["kneepoint"]["operatingPoint"]["latency"]
            for metric in ("ntpot", "ttft", "itl"):
                value = one["performanceStats"][0].get(f"{metric}Milliseconds")
                if value is None:
                    continue
                figures = latency[f"{metric}_ms"]
                used = next(name for name in ("p50", "mean", "p90", "p99") if name in figures)
                self.assertEqual(value, support.rounded(figures[used]))
                if used != "p50":
                    self.assertIn(used, shown)

    def test_in_a_recommendation_and_an_explanation(self):
        text = self.good("recommend", f"--model={LLAMA}", "--target-ttft-milliseconds=2000")
        self.assertRegex(text, r"TTFT [\d.]+ ms \(mean\)")
        self.assertIn("p50 TTFT was not published: mean used", text)
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]["id"]
        self.assertIn("TTFT mean (ms)", self.good("explain", profile))

    def test_in_a_picture(self):
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]["id"]
        self.assertIn("mean", self.good("benchmarks", "plot", profile))
        self.assertIn("mean", self.good("benchmarks", "plot", profile, "--svg=-"))

    def test_exact_passes_over_what_has_no_median(self):
        for one in self.json("profiles", "list", f"--model={GPT}", "--statistic=exact",
                             "--target-ttft-milliseconds=2000"):
            self.assertIn("p50", one["kneepoint"]["operatingPoint"]["latency"]["ttft_ms"])
            self.assertNotRegex(one["kneepoint"].get("statisticsShown", "p50"), "mean")
        said = self.run_program("profiles", "list", f"--model={LLAMA}", "--statistic=exact",
                                "--model-server=vllm",
                                "--target-ttft-milliseconds=2000", "--show-rejected")
        self.assertEqual(said.stdout, "")
        self.assertIn("statistic_missing", said.stderr)
        self.assertIn("p50 TTFT was not published", said.stderr)


class Evidence(Case):
    def flags(self, profile):
        return {flag for point in support.points_of(profile) for flag in point["flags"].split(";")
                if flag}

    def test_flags_of_every_point_stand_in_csv_and_json(self):
        for model, server in ((GPT, "vllm"), ("meta-llama/Llama-3.1-8B-Instruct", "vllm")):
            command = ["benchmarks", "list", f"--model={model}", f"--model-server={server}",
                       "--model-server-version=all"]
            lines = iter(support.rows(self.good(*command, "--evidence")))
            for one in self.json(*command):
                for row, point in zip(support.points_of(one["kneepoint"]["profile"]),
                                      one["kneepoint"]["points"]):
                    line = next(lines)
                    self.assertEqual(line["Profile"], one["kneepoint"]["profile"])
                    self.assertEqual(line["Flags"], row["flags"])
                    self.assertEqual(line["Source Reference"], row["source_ref"])
                    self.assertEqual(line["Measured On"], row["measured_on"])
                    self.assertTrue(line["Derived"].startswith(row["derived"]))
                    self.assertRegex(line["Derived"][len(row["derived"]):],
                                     r"^(;?[a-z_]+\([^;]*, by kneepoint\))*$")
                    self.assertEqual([flag for flag in row["flags"].split(";") if flag],
                                     point.get("flags", []))

    def test_a_listed_profile_carries_the_flags_of_all_its_points(self):
        command = ["profiles", "list", f"--model={GPT}", "--decoding=any",
                   "--model-server-version=all"]
        lines = support.rows(self.good(*command, "--evidence", "--format=csv"))
        flagged = 0
        for one, line in zip(self.json(*command), lines):
            profile = one["kneepoint"]["profile"]
            self.assertEqual(line["Profile"], profile)
            self.assertEqual({flag for flag in line["Flags"].split(";") if flag},
                             self.flags(profile))
            self.assertEqual(set(one["kneepoint"]["evidence"]["flags"]), self.flags(profile))
            flagged += bool(self.flags(profile))
        self.assertGreater(flagged, 0)

    def test_an_explanation_names_every_flag_source_and_date(self):
        chosen = {}
        for row in support.table("points"):
            for flag in filter(None, row["flags"].split(";")):
                chosen.setdefault(flag, row["profile"])
        for profile in sorted(set(chosen.values()))[:40]:
            text = self.good("explain", profile)
            for flag in self.flags(profile):
                self.assertIn(flag, text, profile)
            for point in support.points_of(profile):
                self.assertIn(point["source_ref"], text)
                self.assertIn(point["measured_on"], text)

    def test_a_recommendation_shows_the_flags_of_its_choice(self):
        answer = self.json("recommend", "--model=Qwen/Qwen3-32B")
        best = answer["choices"][0]["kneepoint"]
        self.assertEqual(set(best["evidence"]["flags"]), self.flags(best["profile"]))
        text = self.good("recommend", "--model=Qwen/Qwen3-32B")
        for flag in self.flags(best["profile"]):
            self.assertIn(flag, text)

    def test_every_row_names_source_date_and_licence(self):
        sources = {row["name"]: row for row in support.table("sources")}
        for one in self.json("profiles", "list", f"--model={GPT}", "--decoding=any"):
            evidence = one["kneepoint"]["evidence"]
            self.assertIn(evidence["source"], sources)
            self.assertEqual(evidence["licence"], sources[evidence["source"]]["licence"])
            self.assertIn(sources[evidence["source"]]["display_name"], evidence["sentence"])
            self.assertEqual(evidence.get("measuredOn", ""),
                             support.newest_date(one["kneepoint"]["profile"]))

    def test_every_price_names_source_region_and_date(self):
        seen = 0
        for one in self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand"):
            price = one["kneepoint"].get("price")
            if price is None:
                self.assertTrue(one["kneepoint"].get("noPrice") or one["kneepoint"]["reasons"])
                continue
            row = next(row for row in support.table("prices") if row["item"] ==
                       price["machineType"] and row["region"] == price["region"] and
                       row["as_of"] == price.get("asOf", "") and row["source"] == price["source"])
            self.assertAlmostEqual(float(row["on_demand"]), price["machineUsdPerHour"])
            seen += 1
        self.assertGreater(seen, 5)


if __name__ == "__main__":
    unittest.main()
