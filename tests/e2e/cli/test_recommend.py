"""What `recommend` and `profiles list` answer, recomputed from the shipped tables."""

import math
import unittest

import support
from support import GPT, LLAMA, Case

CODES = {"does_not_fit", "misses_target", "statistic_missing", "no_price", "over_budget", "no_data",
         "unknown_size", "accelerator_not_allowed"}


class Money(Case):
    def check(self, objects, pricing_model, ratio=4.0, **where):
        priced = 0
        for one in objects:
            point = one["kneepoint"]["operatingPoint"]
            count = one.get("resourcesUsed", {}).get("acceleratorCount")
            wanted = support.google_price(one["acceleratorType"], count, pricing_model,
                                          **where) if count else None
            price = one["kneepoint"].get("price")
            costs = one["performanceStats"][0].get("cost", [])
            if wanted is None:
                self.assertEqual((price, costs), (None, []), one["acceleratorType"])
                self.assertTrue(any("price" in reason or "accelerators" in reason
                                    for reason in one["kneepoint"]["reasons"]), one["kneepoint"])
                continue
            priced += 1
            self.assertAlmostEqual(price["replicaUsdPerHour"], wanted[0], places=6)
            self.assertEqual((price["machineType"], price["region"]), wanted[1:])
            if not costs:
                continue
            self.assertEqual(costs[0]["pricingModel"], pricing_model)
            self.assertEqual(costs[0]["outputInputCostRatio"], ratio)
            output = point["outputTokensPerSecond"]
            total = one["performanceStats"][0]["totalTokensPerSecond"]
            given = one["performanceStats"][0]["inputTokensPerSecond"]
            self.assertLessEqual(abs(total - given - output), 2)
            # The rates in the list are rounded to one token per second.
            per_output = wanted[0] / 3600 / (given / ratio + output) * 1e6
            printed = support.usd(costs[0]["costPerMillionOutputTokens"])
            self.assertAlmostEqual(printed / per_output, 1, delta=1 / max(given + output, 1) + 1e-6)
            self.assertAlmostEqual(support.usd(costs[0]["costPerMillionInputTokens"]) * ratio,
                                   printed, places=6)
        self.assertGreater(priced, 0)

    def test_cost_by_the_published_formula_in_every_pricing_model(self):
        for pricing_model in ("on-demand", "spot", "1-year-cud", "3-years-cud"):
            for model in (GPT, LLAMA):
                self.check(self.json("profiles", "list", f"--model={model}",
                                     f"--pricing-model={pricing_model}"), pricing_model)

    def test_the_ratio_of_output_to_input_is_a_flag(self):
        self.check(self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
                             "--output-input-cost-ratio=2.5"), "on-demand", ratio=2.5)

    def test_one_region_or_no_price(self):
        for region, pricing_model in (("europe-west4", "on-demand"), ("us-central1", "on-demand"),
                                      ("us-central1", "spot"), ("us-east5", "spot")):
            self.check(self.json("profiles", "list", "--model=any", "--model-server-version=all",
                                 f"--pricing-model={pricing_model}", f"--region={region}"),
                       pricing_model, region=region)

    def test_whole_machines(self):
        objects = self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
                            "--whole-machine")
        self.check(objects, "on-demand", whole=True)
        for one in objects:
            if "price" in one["kneepoint"]:
                self.assertGreaterEqual(one["kneepoint"]["price"]["machinesPerReplica"], 1)

    def test_a_benchmark_is_priced_at_its_own_rates(self):
        for one in self.json("benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm",
                             "--pricing-model=on-demand"):
            count = one["resourcesUsed"]["acceleratorCount"]
            price = support.google_price(one["acceleratorType"], count, "on-demand")
            for stats, row in zip(one["performanceStats"],
                                  support.points_of(one["kneepoint"]["profile"])):
                if price is None:
                    self.assertNotIn("cost", stats)
                    continue
                rate = (float(row["input_tokens_per_second"]) / 4 +
                        float(row["output_tokens_per_second"]))
                self.assertAlmostEqual(
                    support.usd(stats["cost"][0]["costPerMillionOutputTokens"]),
                    price[0] / 3600 / rate * 1e6, places=6)

    def test_no_cost_is_ever_zero(self):
        for pricing_model in ("on-demand", "spot"):
            for row in support.rows(self.good(
                    "profiles", "list", f"--model={GPT}", "--format=csv", "--decoding=any",
                    f"--pricing-model={pricing_model}", "--model-server-version=all")):
                for column in ("Cost/M Input Tokens", "Cost/M Output Tokens"):
                    self.assertTrue(row[column] == "N/A" or float(row[column]) > 0, row)

    def test_a_missing_price_says_what_is_missing(self):
        text = self.good("recommend", f"--model={GPT}", "--accelerator-type=nvidia-h200-141gb",
                         "--region=europe-west4", "--pricing-model=on-demand")
        self.assertRegex(text, r"no on-demand price for \d+ x nvidia-h200-141gb at gcp in "
                               r"europe-west4; ")

    def test_the_nearest_priced_region_is_named(self):
        found = 0
        for one in self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand"):
            price = one["kneepoint"].get("price", {})
            if "regionWanted" not in price:
                continue
            found += 1
            self.assertNotEqual(price["regionWanted"], price["region"])
            self.assertTrue(any(price["regionWanted"] in reason and price["region"] in reason
                                for reason in one["kneepoint"]["reasons"]))
            line = self.good("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
                             "--evidence", "--format=csv",
                             f"--accelerator-type={one['acceleratorType']}")
            self.assertIn(price["regionWanted"], line)
        self.assertGreater(found, 0)

    def test_prices_older_than_ninety_days_are_stale(self):
        seen = set()
        objects = [one for pricing_model in ("on-demand", "spot")
                   for one in self.json("profiles", "list", f"--pricing-model={pricing_model}")]
        for one in objects:
            price = one["kneepoint"].get("price")
            if price is None:
                continue
            date = price.get("asOf", "")
            self.assertEqual(price["stale"], support.first_day(date) < "2026-08-23", price)
            seen.add(price["stale"])
            self.assertEqual(price["stale"],
                             any("stale" in reason for reason in one["kneepoint"]["reasons"]))
        self.assertEqual(seen, {True, False})

    def test_prices_age(self):
        command = ["profiles", "list", f"--model={GPT}", "--accelerator-type=nvidia-h200-141gb",
                   "--pricing-model=on-demand", "--limit=1"]
        self.assertFalse(self.json(*command)[0]["kneepoint"]["price"]["stale"])
        later = self.json(*command, env={"SOURCE_DATE_EPOCH": str(support.TODAY + 90 * 86400)})
        self.assertTrue(later[0]["kneepoint"]["price"]["stale"])
        self.assertIn("stale", self.good(
            *command, "--evidence", env={"SOURCE_DATE_EPOCH": str(support.TODAY + 90 * 86400)}))

    def test_other_providers(self):
        for provider in ("runpod", "aws", "any"):
            objects = self.json("profiles", "list", f"--model={GPT}", f"--provider={provider}",
                                "--pricing-model=on-demand")
            priced = [one for one in objects if "price" in one["kneepoint"]]
            self.assertTrue(priced, provider)
            if provider != "any":
                self.assertEqual({one["kneepoint"]["price"]["provider"] for one in priced},
                                 {provider})

    def test_money_limits_hold(self):
        for flag, key in (("--target-cost-per-million-output-tokens", "costPerMillionOutputTokens"),
                          ("--target-cost-per-million-input-tokens", "costPerMillionInputTokens")):
            objects = self.json("profiles", "list", f"--model={GPT}", f"{flag}=0.5")
            self.assertTrue(objects)
            for one in objects:
                self.assertLessEqual(
                    support.usd(one["performanceStats"][0]["cost"][0][key]), 0.5)
        for one in self.json("profiles", "list", f"--model={GPT}", "--expected-load=5",
                             "--max-price-per-hour=30"):
            self.assertLessEqual(one["kneepoint"]["fleetUsdPerHour"], 30)


class Fleet(Case):
    def test_replicas_cover_the_load_with_headroom_and_the_loss_of_one(self):
        for load, flags, headroom, spare in (
                (20, [], 0.2, 0), (20, ["--headroom=0"], 0, 0), (7.5, ["--headroom=0.5"], 0.5, 0),
                (20, ["--min-available"], 0.2, 1), (0.01, ["--min-available"], 0.2, 1)):
            # Without lengths a request is one of the measured workload.
            objects = self.json("profiles", "list", f"--model={GPT}",
                                "--target-ttft-milliseconds=2000", f"--expected-load={load}",
                                *flags)
            self.assertTrue(objects)
            for one in objects:
                own = one["kneepoint"]
                rate = own["operatingPoint"].get("requestsPerSecond")
                if rate is None:
                    continue
                wanted = max(1, math.ceil(load / (rate * (1 - headroom)) - 1e-9)) + spare
                self.assertEqual(own["replicas"], wanted)
                self.assertAlmostEqual(own["usableRequestsPerSecond"], rate * (1 - headroom))
                if "price" in own:
                    self.assertAlmostEqual(own["fleetUsdPerHour"],
                                           wanted * own["price"]["replicaUsdPerHour"])

    def test_a_fleet_for_other_lengths_is_sized_by_tokens(self):
        for one in self.json("recommend", f"--model={GPT}", "--use-case=chat", "--limit=50",
                             "--expected-load=40", "--headroom=0")["choices"]:
            own = one["kneepoint"]
            output = own["operatingPoint"].get("outputTokensPerSecond")
            if output is None or "usableRequestsPerSecond" not in own:
                continue
            # An input token counts a quarter of an output token, as in the cost formula; lengths
            # within a fifth of those asked for are the same.
            row = next(row for row in support.table("profiles") if row["id"] == own["profile"])
            given, made = float(row["input_tokens_mean"]), float(row["output_tokens_mean"])
            near = abs(given - 226) <= 0.2 * 226 and abs(made - 195) <= 0.2 * 195
            scale = 1 if near else min(given / 226, made / 195)
            self.assertAlmostEqual(own["usableRequestsPerSecond"],
                                   own["operatingPoint"]["requestsPerSecond"] * scale, places=6)
            self.assertEqual(own["replicas"], max(1, math.ceil(
                40 / own["usableRequestsPerSecond"] - 1e-9)))

    def test_the_headroom_is_printed(self):
        self.assertIn("20 % headroom", self.notes("recommend", f"--model={GPT}",
                                                  "--expected-load=3"))
        self.assertIn("35 % headroom", self.notes("recommend", f"--model={GPT}",
                                                  "--expected-load=3", "--headroom=0.35"))
        answer = self.json("recommend", f"--model={GPT}", "--expected-load=3")
        self.assertIn("20 % headroom", answer["assumptions"])

    def test_ranked_by_the_fleet_with_a_load_and_by_the_token_without(self):
        with_load = self.json("profiles", "list", f"--model={GPT}", "--expected-load=30",
                              "--pricing-model=on-demand")
        without = self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand")

        def fleet(one):
            own = one["kneepoint"]
            known = "fleetUsdPerHour" in own and "usableRequestsPerSecond" in own
            return own["fleetUsdPerHour"] if known else None

        def token(one):
            costs = one["performanceStats"][0].get("cost")
            return support.usd(costs[0]["costPerMillionOutputTokens"]) if costs else None

        for objects, key in ((with_load, fleet), (without, token)):
            keys = [key(one) for one in objects]
            priced = [value for value in keys if value is not None]
            self.assertGreater(len(priced), 3)
            self.assertEqual(keys[:len(priced)], sorted(priced), "priced first, cheapest first")
            dense = [one["kneepoint"]["operatingPoint"].get("outputTokensPerSecond", -1) /
                     one["resourcesUsed"]["acceleratorCount"] for one in objects[len(priced):]
                     if "resourcesUsed" in one]
            self.assertEqual(dense, sorted(dense, reverse=True))


class Targets(Case):
    def test_every_choice_meets_every_target(self):
        for flags in (["--target-ttft-milliseconds=150"], ["--target-tpot-milliseconds=10"],
                      ["--target-ntpot-milliseconds=12", "--target-ttft-milliseconds=400"],
                      ["--target-e2e-milliseconds=9000"], ["--target-itl-milliseconds=9"]):
            objects = self.json("profiles", "list", f"--model={GPT}", *flags)
            self.assertTrue(objects, flags)
            for one in objects:
                latency = one["kneepoint"]["operatingPoint"]["latency"]
                for flag in flags:
                    metric, limit = flag[9:].split("-")[0], float(flag.split("=")[1])
                    figures = latency[f"{metric}_ms"]
                    used = next(s for s in ("p50", "mean", "p90", "p99") if s in figures)
                    self.assertLessEqual(figures[used], limit * (1 + 1e-9))

    def test_the_issues_example_ranks_real_profiles(self):
        ids = {row["id"] for row in support.table("profiles") if row["model"] == GPT}
        objects = self.json("profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
                            "--target-ttft-milliseconds=2000")
        self.assertGreater(len(objects), 20)
        self.assertLessEqual({one["kneepoint"]["profile"] for one in objects}, ids)
        self.assertGreater(len({one["acceleratorType"] for one in objects}), 4)

    def test_an_operating_point_lies_on_the_measured_curve(self):
        for one in self.json("profiles", "list", f"--model={GPT}",
                             "--target-ttft-milliseconds=500"):
            own = one["kneepoint"]
            rows = support.points_of(own["profile"])
            load = own["operatingPoint"]["load"]
            loads = [float(row["load"]) for row in rows]
            self.assertTrue(loads[0] <= load <= loads[-1], own)
            if not own["operatingPoint"].get("interpolated"):
                self.assertIn(load, loads)
                rate = own["operatingPoint"].get("outputTokensPerSecond")
                same = [row for row in rows if float(row["load"]) == load]
                if rate is not None:
                    self.assertIn(rate, [float(row["output_tokens_per_second"]) for row in same
                                         if row["output_tokens_per_second"]])

    def test_out_of_reach_prints_the_range_of_every_metric(self):
        for command, status in ((["profiles", "list"], 0), (["recommend"], 4)):
            done = self.run_program(*command, f"--model={GPT}", "--use-case=chat",
                                    "--target-ttft-milliseconds=1")
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            for metric in ("TTFT", "TPOT", "ITL", "NTPOT", "E2E"):
                self.assertRegex(done.stderr, rf"(?m)^  {metric} [\d.]+ to [\d.]+ ms$")
            self.assertRegex(done.stderr, r"(?m)^  output tokens/s \d+ to \d+$")

    def test_the_least_of_the_range_is_reachable_and_less_is_not(self):
        said = self.run_program("profiles", "list", f"--model={GPT}",
                                "--target-ttft-milliseconds=1").stderr
        line = next(line for line in said.splitlines() if line.startswith("  TTFT"))
        least = support.numbers(line)[0]
        self.assertEqual(self.json("profiles", "list", f"--model={GPT}",
                                   f"--target-ttft-milliseconds={math.floor(least - 0.1)}"), [])
        self.assertTrue(self.json("profiles", "list", f"--model={GPT}",
                                  f"--target-ttft-milliseconds={math.ceil(least + 0.1)}"))


class LeftOut(Case):
    def rejected(self, *arguments):
        return self.json("recommend", *arguments)["leftOut"]

    def test_codes_are_stable_and_every_one_has_a_sentence(self):
        for one in self.rejected(f"--model={GPT}", "--target-ttft-milliseconds=100"):
            self.assertIn(one["reason"], CODES)
            self.assertTrue(one["sentence"])

    def test_what_does_not_fit_says_how_many_bytes(self):
        found = [one for one in self.rejected("--model=deepseek-ai/DeepSeek-R1-0528")
                 if one["reason"] == "does_not_fit"]
        self.assertIn("nvidia-l4", {one["acceleratorType"] for one in found})
        for one in found:
            self.assertRegex(one["sentence"], r"\d (GiB|bytes)")

    def test_what_misses_the_target_says_the_best_value(self):
        missed = [one for one in self.rejected(f"--model={GPT}", "--target-ttft-milliseconds=70")
                  if one["reason"] == "misses_target"]
        self.assertTrue(missed)
        for one in missed:
            best = support.numbers(one["sentence"].split(" is ")[-1])[0]
            self.assertGreater(best, 70)
            least = min(support.nearest_statistic(point, "ttft")[0]
                        for point in support.points_of(one["profile"])
                        if support.nearest_statistic(point, "ttft")[0])
            self.assertGreaterEqual(best, round(least, 1) - 0.051, one)

    def test_what_was_never_measured_and_what_cannot_be_known(self):
        reasons = {one["reason"] for one in self.rejected(f"--model={GPT}")}
        self.assertIn("no_data", reasons)
        unknown = next(row["model"] for row in support.table("profiles") if row["kind"] == "serving"
                       and row["load_kind"] != "burst" and row["model"] not in
                       {model["model"] for model in support.table("models")
                        if model["complete"] == "yes"})
        answer = self.rejected(f"--model={unknown}")
        self.assertIn("unknown_size", {one["reason"] for one in answer})

    def test_a_limit_on_money_leaves_out_what_has_no_price(self):
        reasons = {one["reason"] for one in self.rejected(f"--model={GPT}",
                                                          "--max-price-per-hour=20")}
        self.assertLessEqual({"no_price", "over_budget"}, reasons)

    def test_people_read_them_too(self):
        done = self.run_program("profiles", "list", f"--model={GPT}", "--show-rejected",
                                "--target-ttft-milliseconds=70")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"left out: misses_target nvidia-\S+ s-\w+: .*best reachable")
        self.assertIn("left out: no_data ", done.stderr)
        self.assertRegex(done.stderr, r"left out: does_not_fit \S+: .*GiB")


class Question(Case):
    def test_any_model(self):
        answer = self.json("recommend", "--model=any", "--target-ttft-milliseconds=300",
                           "--limit=40")
        self.assertGreater(len({one["modelServerInfo"]["model"] for one in answer["choices"]}), 3)
        self.assertIn("serving ", self.good("recommend", "--model=any").splitlines()[0])

    def test_only_the_accelerators_allowed(self):
        allowed = ["nvidia-h100-80gb", "nvidia-b200"]
        answer = self.json("recommend", f"--model={GPT}", "--limit=50",
                           f"--accelerator-type={','.join(allowed)}")
        self.assertEqual({one["acceleratorType"] for one in answer["choices"]}, set(allowed))

    def test_one_machine_type(self):
        objects = self.json("profiles", "list", f"--model={GPT}", "--pricing-model=spot",
                            "--instance-type=a3-highgpu-8g")
        priced = [one for one in objects if "instanceType" in one]
        self.assertTrue(priced)
        self.assertEqual({one["instanceType"] for one in priced}, {"a3-highgpu-8g"})

    def test_lengths_within_a_fifth_for_the_list(self):
        objects = self.json("profiles", "list", f"--model={GPT}", "--target-input-length=1000",
                            "--target-output-length=1000")
        self.assertTrue(objects)
        for one in objects:
            self.assertAlmostEqual(one["workloadSpec"]["averageInputLength"], 1000, delta=201)
            self.assertAlmostEqual(one["workloadSpec"]["averageOutputLength"], 1000, delta=201)

    def test_the_nearest_measured_workload_is_used_and_named(self):
        for flags, lengths in ((["--use-case=chat"], (226, 195)),
                               (["--use-case=Deep Research"], (256, 4096)),
                               (["--target-input-length=9000", "--target-output-length=300"],
                                (9000, 300))):
            answer = self.json("recommend", f"--model={GPT}", "--limit=200", *flags)
            said = " ".join(answer["notes"])
            self.assertIn(f"asked for {lengths[0]} input and {lengths[1]} output tokens", said)

            def distance(row, lengths=lengths):
                if not row["input_tokens_mean"] or not row["output_tokens_mean"]:
                    return math.inf
                return (abs(math.log(float(row["input_tokens_mean"]) / lengths[0])) +
                        abs(math.log(float(row["output_tokens_mean"]) / lengths[1])))

            nearest = {}
            for server in {row["model_server"] for row in support.table("profiles")
                           if row["model"] == GPT}:
                for row in support.newest_benchmarked(GPT, server):
                    if row["load_kind"] != "burst" and not math.isinf(distance(row)):
                        group = (row["accelerator"], server)
                        nearest[group] = min(nearest.get(group, (math.inf, "")),
                                             (distance(row), row["workload"]))
            groups = set()
            for one in answer["choices"]:
                group = (one["acceleratorType"], one["modelServerInfo"]["modelServer"])
                groups.add(group)
                self.assertEqual(one["kneepoint"]["workload"], nearest[group][1], group)
                self.assertIn(one["kneepoint"]["workload"], said)
            self.assertEqual(groups, set(nearest), "every accelerator and server measured answers")

    def test_every_setup_of_the_nearest_workload_is_a_choice(self):
        answer = self.json("recommend", f"--model={GPT}", "--limit=200", "--use-case=chat",
                           "--model-server=vllm", "--accelerator-type=nvidia-h100-80gb")
        wanted = {row["id"] for row in support.newest_benchmarked(GPT, "vllm")
                  if row["accelerator"] == "nvidia-h100-80gb" and row["workload"] == "sharegpt" and
                  row["load_kind"] != "burst"}
        self.assertGreater(len(wanted), 1)
        self.assertEqual({one["kneepoint"]["profile"] for one in answer["choices"]}, wanted)

    def test_the_answer_for_people_holds_every_part(self):
        done = self.run_program("recommend", f"--model={GPT}", "--target-ttft-milliseconds=2000",
                                "--expected-load=12")
        self.assertEqual(done.returncode, 0)
        text = done.stdout
        for part in (r"^Best: \S+ .* on \d+ x \S+", r"^  replica +[\d.]+ \w+, \d+ output tokens/s",
                     r"^  latency +TTFT [\d.]+ ms \(\w+\)",
                     r"^  cost +\$[\d.]+ per million output tokens, \$[\d.]+ per million input",
                     r"^  fleet +\d+ replicas?, \$[\d.]+ per hour \(.*a[23]-",
                     r"^  price +gcp \S+, (\d{4}-\d\d-\d\d|undated), ", r"^  workload +\S+",
                     r"^  evidence +published: .*\d{4}-\d\d-\d\d, \S+", r"^Why:", r"^Then:",
                     r"^Next:\n  kneepoint manifests create --model=openai/gpt-oss-120b"):
            self.assertRegex(text, "(?m)" + part)
        self.assertIn("on-demand (default)", done.stderr)

    def test_the_next_commands_it_prints_work(self):
        text = self.good("recommend", f"--model={GPT}", "--target-ttft-milliseconds=2000",
                         "--expected-load=12", "--use-case=chat",
                         "--accelerator-type=nvidia-h100-80gb")
        lines = text[text.index("Next:\n"):].splitlines()[1:]
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertEqual(line.split()[0], "kneepoint")
            self.good(*line.split()[1:])

    def test_the_same_question_has_the_same_answer(self):
        command = ["recommend", f"--model={GPT}", "--expected-load=9", "--show-rejected"]
        first = self.run_program(*command)
        again = self.run_program(*command)
        self.assertEqual((first.stdout, first.stderr), (again.stdout, again.stderr))


if __name__ == "__main__":
    unittest.main()
