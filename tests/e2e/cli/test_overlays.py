"""Rows of one's own over the shipped ones: models, accelerators, machines, prices, profiles."""

import csv
import json
import shutil
import sqlite3
import unittest

import support
from support import GPT, LLAMA, Case, price_row

CONFIGS = support.ROOT / "tests" / "data" / "configs"


class Prices(Case):
    COMMAND = ["profiles", "list", f"--model={GPT}", "--accelerator-type=nvidia-h200-141gb",
               "--pricing-model=on-demand", "--format=csv", "--evidence"]

    def test_a_price_laid_over_is_used_and_its_removal_restores_the_shipped_one(self):
        before = self.good(*self.COMMAND)
        folder = self.folder("cheap", prices=[price_row("a3-ultragpu-8g", 8.0)])
        after = support.rows(self.good(*self.COMMAND, f"--catalog={folder}"))
        for old, new in zip(sorted(support.rows(before), key=lambda row: row["Profile"]),
                            sorted(after, key=lambda row: row["Profile"])):
            self.assertEqual(old["Profile"], new["Profile"])
            self.assertLess(float(new["Cost/M Output Tokens"]),
                            float(old["Cost/M Output Tokens"]) / 8)
            self.assertIn("our contract", new["Price"])
        self.assertEqual(self.good(*self.COMMAND), before)

    def test_rows_in_the_config_folder_count_without_a_flag_and_the_flag_wins(self):
        self.folder(".config/kneepoint/catalog", prices=[price_row("a3-ultragpu-8g", 80.0)])
        folder = self.folder("flag", prices=[price_row("a3-ultragpu-8g", 16.0)])
        later = self.folder("later", prices=[price_row("a3-ultragpu-8g", 24.0)])

        def hourly(*flags):
            return self.json(*self.COMMAND[:5], *flags)[0]["kneepoint"]["price"]["machineUsdPerHour"]

        self.assertEqual(hourly(), 80.0)
        self.assertEqual(hourly(f"--catalog={folder}"), 16.0)
        self.assertEqual(hourly(f"--catalog={folder}", f"--catalog={later}"), 24.0)
        self.assertEqual(hourly(f"--catalog={later}", f"--catalog={folder}"), 16.0)
        self.assertEqual(self.json(*self.COMMAND[:5], env={"XDG_CONFIG_HOME": str(self.home / "x")})
                         [0]["kneepoint"]["price"]["machineUsdPerHour"], 83.492)

    def test_prices_import(self):
        folder = self.folder("ours", prices=[price_row("a3-ultragpu-8g", 40.0)])
        self.assertRegex(self.good("prices", "import", folder / "prices.csv"),
                         r"^1 prices? added, 0 replaced in .*prices\.csv\n$")
        self.assertEqual(self.json(*self.COMMAND[:5])[0]["kneepoint"]["price"]
                         ["machineUsdPerHour"], 40.0)
        folder = self.folder("ours", prices=[price_row("a3-ultragpu-8g", 41.0)])
        self.assertIn("1 replaced", self.good("prices", "import", folder / "prices.csv"))
        self.assertEqual(self.json(*self.COMMAND[:5])[0]["kneepoint"]["price"]
                         ["machineUsdPerHour"], 41.0)

    def test_broken_prices_are_named_with_file_and_line_and_nothing_is_written(self):
        for column, value in (("on_demand", "cheap"), ("on_demand", "-3"), ("on_demand", "nan"),
                              ("unit", "fortnight"), ("covers", "everything"), ("as_of", "yesterday"), ("item", "")):
            rows = [price_row("a3-ultragpu-8g", 40.0), price_row("a3-highgpu-8g", 40.0)]
            rows[1][column] = value
            folder = self.folder("broken", prices=rows)
            said = self.refused(2, "prices", "import", folder / "prices.csv")
            self.assertRegex(said, r"prices\.csv:3\b")
            self.assertFalse((self.home / ".config").exists(), (column, value))
            said = self.refused(2, *self.COMMAND, f"--catalog={folder}")
            self.assertRegex(said, r"prices\.csv:3\b")

    def test_a_price_in_another_region_is_found(self):
        folder = self.folder("far", prices=[price_row("a3-ultragpu-8g", 12.0, region="us-east1")])
        one = self.json(*self.COMMAND[:5], f"--catalog={folder}", "--region=us-east1",
                        "--pricing-model=on-demand")[0]
        self.assertEqual((one["kneepoint"]["price"]["machineUsdPerHour"],
                          one["kneepoint"]["price"]["region"]), (12.0, "us-east1"))


class Models(Case):
    def test_a_model_from_its_config(self):
        said = self.refused(3, "recommend", "--model=my-org/my-model")
        self.assertIn("unknown model", said)
        text = self.good("models", "add", CONFIGS / "Qwen__Qwen3-8B.json",
                         "--model=my-org/my-model")
        self.assertIn("my-org/my-model added", text)
        self.assertIn("replaced", self.good("models", "add", CONFIGS / "Qwen__Qwen3-8B.json",
                                            "--model=my-org/my-model"))
        text = self.good("manifests", "create", "--model=my-org/my-model", "--model-server=vllm",
                         "--accelerator-type=nvidia-l4")
        self.assertIn("my-org/my-model", text)
        self.assertTrue(support.documents(text))
        done = self.run_program("recommend", "--model=my-org/my-model")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("unknown model", done.stderr)

    def test_every_config_there_is_gives_a_model_or_a_sentence(self):
        for config in sorted(CONFIGS.glob("*.json")):
            done = self.run_program("models", "add", config, "--model=my-org/m")
            self.assertIn(done.returncode, (0, 2), (config, done.stderr))
            self.good("catalog", "check")

    def test_broken_configs_write_nothing(self):
        for number, content in enumerate(("", "{", "[]", "null", "{}", '{"hidden_size": "big"}',
                                          '{"hidden_size": 1e400}', "[" * 5000,
                                          '{"model_type": "llama", "hidden_size": -4}')):
            config = self.home / f"config{number}.json"
            config.write_text(content, encoding="utf-8")
            done = self.run_program("models", "add", config, "--model=my-org/m")
            if done.returncode != 0:
                self.assertRegex(done.stderr, rf"^kneepoint: .*config{number}\.json.*\n$")
                self.assertFalse((self.home / ".config").exists(), content)
            else:
                self.assertIn("partly described", done.stderr)
                shutil.rmtree(self.home / ".config")
        self.refused(3, "models", "add", self.home / "nowhere.json", "--model=a/b")

    def test_a_name_that_is_no_model_name_is_refused(self):
        for name in ("a b", "a\nb", '"', "x" * 300):
            done = self.run_program("models", "add", CONFIGS / "Qwen__Qwen3-8B.json",
                                    f"--model={name}")
            self.assertEqual(done.returncode, 2, (name, done.stdout))


class Everything(Case):
    """An accelerator, its machine, its price and a curve measured on it, none of them shipped."""

    def rows(self, rate=100.0):
        accelerator = dict(next(row for row in support.table("accelerators")
                                if row["id"] == "nvidia-h100-80gb"), id="acme-x1",
                           display_name="Acme X1", source="ours")
        machine = dict(next(row for row in support.table("machines")
                            if row["machine_type"] == "a3-highgpu-8g"), machine_type="acme-8x",
                       accelerator="acme-x1", family="acme", on_demand="yes")
        profile = dict(next(row for row in support.newest_benchmarked(LLAMA, "vllm")
                            if row["accelerator_count"] == "2"), id="mine-1", series_id="mine-1",
                       accelerator="acme-x1", curve_id="mine-1")
        points = []
        for step, load in enumerate((1, 2, 4, 8)):
            points.append(dict(support.points_of(next(
                row["id"] for row in support.newest_benchmarked(LLAMA, "vllm")))[0],
                profile="mine-1", point_id=f"p-mine-{step}", load=str(load),
                output_tokens_per_second=str(rate * load), input_tokens_per_second=str(rate * load),
                requests_per_second=str(load), flags="our_own_flag"))
        return {"accelerators": [accelerator], "machines": [machine], "profiles": [profile],
                "points": points, "prices": [price_row("acme-8x", 8.0)]}

    def test_they_are_ranked_priced_and_shown_with_their_flags(self):
        folder = self.folder("acme", **self.rows())
        command = ["--accelerator-type=acme-x1", "--pricing-model=on-demand",
                   f"--catalog={folder}"]
        one = self.json("profiles", "list", f"--model={LLAMA}", *command)[0]
        self.assertEqual(one["kneepoint"]["profile"], "mine-1")
        self.assertAlmostEqual(one["kneepoint"]["price"]["replicaUsdPerHour"], 2.0)
        self.assertEqual(one["kneepoint"]["evidence"]["flags"], ["our_own_flag"])
        self.assertEqual(len(support.rows(self.good(
            "benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm", *command))), 4)
        self.assertIn("our_own_flag", self.good("explain", "mine-1", f"--catalog={folder}"))
        self.refused(3, "profiles", "list", f"--model={LLAMA}", "--accelerator-type=acme-x1")

    def test_the_store_records_the_hash_and_applies_a_change(self):
        folder = self.folder("acme", **self.rows())

        def layer():
            found = [row for row in self.json("store", "info", f"--catalog={folder}")
                     if row["layer"] not in ("shipped", "own")]
            self.assertEqual(len(found), 1)
            return found[0]

        def rates():
            return [float(row["Output Tokens/s"]) for row in support.rows(self.good(
                "benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm",
                "--accelerator-type=acme-x1", f"--catalog={folder}"))]

        first = layer()
        self.assertEqual((first["profiles"], first["points"]), (1, 4))
        self.assertEqual(layer()["hash"], first["hash"])
        self.assertEqual(rates(), [100, 200, 400, 800])
        self.folder("acme", **self.rows(rate=50.0))
        self.assertEqual(rates(), [50, 100, 200, 400])
        self.assertNotEqual(layer()["hash"], first["hash"])

    def test_a_broken_change_leaves_the_store_as_it_was(self):
        folder = self.folder("acme", **self.rows())
        self.good("store", "info", f"--catalog={folder}")

        def held():
            with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as base:
                return (base.execute("SELECT name, hash FROM layer ORDER BY name").fetchall(),
                        base.execute("SELECT COUNT(*) FROM profile").fetchone(),
                        base.execute("SELECT COUNT(*) FROM point").fetchone())

        before = held()
        broken = self.rows()
        broken["points"][2]["output_tokens_per_second"] = "fast"
        self.folder("acme", **broken)
        said = self.refused(2, "store", "info", f"--catalog={folder}")
        self.assertRegex(said, r"points\.csv:4\b")
        self.assertEqual(held(), before)

    def test_a_shipped_row_replaced_in_the_overlay_comes_back(self):
        command = ["profiles", "list", f"--model={LLAMA}", "--evidence", "--format=csv"]
        before = self.good(*command)
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]
        points = [dict(row, output_tokens_per_second=str(
            10 * float(row["output_tokens_per_second"]))) for row in support.points_of(profile["id"])]
        folder = self.folder("over", profiles=[profile], points=points)

        def rate(text):
            return next(float(row["Output Tokens/s"]) for row in support.rows(text)
                        if row["Profile"] == profile["id"])

        self.assertGreater(rate(self.good(*command, f"--catalog={folder}")), 5 * rate(before))
        self.assertEqual(self.good(*command), before)
        shutil.rmtree(folder)
        self.assertEqual(self.good(*command), before)

    def test_the_config_folder_gone_the_shipped_rows_are_back(self):
        before = self.good("benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm",
                           "--format=json")
        folder = self.folder(".config/kneepoint/catalog", **self.rows())
        self.assertNotEqual(self.good("benchmarks", "list", f"--model={LLAMA}",
                                      "--model-server=vllm", "--format=json"), before)
        shutil.rmtree(folder)
        self.assertEqual(self.good("benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm",
                                   "--format=json"), before)

    def test_check_and_info_name_the_layers(self):
        folder = self.folder("acme", **self.rows())
        text = self.good("catalog", "check", f"--catalog={folder}")
        self.assertEqual(len(text.splitlines()), 2)
        self.assertIn("8 rows, all good", text)
        info = self.json("catalog", "info", f"--catalog={folder}")
        self.assertIn(("points", 4), {(row["table"], row["rows"]) for row in info})


class Broken(Case):
    def check(self, name, text, said_of):
        folder = self.home / "broken"
        shutil.rmtree(folder, True)
        folder.mkdir()
        (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        said = self.refused(2, "models", "list", f"--catalog={folder}")
        self.assertIn(f"{name}.csv", said)
        self.assertRegex(said, said_of)
        self.assertEqual(self.refused(2, "catalog", "check", f"--catalog={folder}"), said)

    def test_every_kind_of_broken_row_names_file_and_line(self):
        header = ",".join(support.columns("machines"))
        row = ",".join(support.table("machines")[0].values())
        self.check("machines", f"{header}\n{row},extra\n", r"machines\.csv:2\b")
        self.check("machines", f"{header}\n{row}\ngcp,x\n", r"machines\.csv:3\b")
        self.check("machines", f"{header}\n{row.replace(',12,', ',many,')}\n", r"machines\.csv:2\b")
        self.check("machines", f"{header}\n\"{row}\n", r"machines\.csv:[23]\b")
        self.check("machines", f"{header}\n{row}\n{row}\n", r"machines\.csv:3\b")
        self.check("machines", "colour,size\nred,3\n", r"machines\.csv:1\b.*colour")
        self.check("machines", header.encode() + b"\n\xff\xfe\x00," + row.encode() + b"\n",
                   r"machines\.csv:2\b")

    def test_a_point_without_its_profile_is_named(self):
        point = dict(support.table("points")[0], profile="nobody")
        folder = self.folder("orphan", points=[point])
        said = self.refused(2, "models", "list", f"--catalog={folder}")
        self.assertRegex(said, r"points\.csv:2\b.*nobody")

    def test_a_folder_that_is_not_there_is_said(self):
        said = self.run_program("models", "list", f"--catalog={self.home / 'nowhere'}")
        self.assertIn(said.returncode, (2, 3))
        self.assertRegex(said.stderr, r"^kneepoint: .*nowhere.*\n$")

    def test_a_file_no_table_is_named_after_is_said(self):
        folder = self.home / "typo"
        folder.mkdir()
        with open(folder / "price.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(support.columns("prices"))
        done = self.run_program("catalog", "check", f"--catalog={folder}")
        self.assertIn("price.csv", done.stdout + done.stderr)


class Exported(Case):
    def test_own_profiles_outrank_every_catalog_layer(self):
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]["id"]
        every = self.home / "all.jsonl"
        self.good("store", "export", every)
        mine = []
        for line in every.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            if "format" in one:
                mine.append(line)
            elif one.get("id") == profile:
                for point in one["points"]:
                    point["output_tokens_per_second"] = 12345
                mine.append(json.dumps(one))
        self.assertEqual(len(mine), 2)
        (self.home / "mine.jsonl").write_text("\n".join(mine) + "\n", encoding="utf-8")
        self.good("store", "import", self.home / "mine.jsonl")
        rates = {row["Output Tokens/s"] for row in support.rows(self.good(
            "benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm", "--evidence"))
            if row["Profile"] == profile}
        self.assertEqual(rates, {"12345"})


if __name__ == "__main__":
    unittest.main()
