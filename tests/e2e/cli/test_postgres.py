"""The same commands on PostgreSQL, by connection string. Run by tests/contract/with_postgres.sh."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import support
from support import GPT, LLAMA, PROGRAM, Case

WHERE = os.environ.get("KNEEPOINT_TEST_POSTGRES")

COMMANDS = [
    ["models", "list"],
    ["model-servers", "list", f"--model={GPT}"],
    ["model-server-versions", "list", f"--model={GPT}", "--model-server=vllm"],
    ["model-and-server-combinations", "list"],
    ["serving-stacks", "list"],
    ["profiles", "list", f"--model={GPT}", "--pricing-model=on-demand",
     "--target-ttft-milliseconds=2000", "--evidence"],
    ["profiles", "list", "--format=json"],
    ["benchmarks", "list", f"--model={LLAMA}", "--model-server=vllm", "--evidence"],
    ["benchmarks", "list", f"--model={GPT}", "--model-server=vllm", "--format=json",
     "--model-server-version=all"],
    ["benchmarks", "plot", "--model=Qwen/Qwen3-32B"],
    ["recommend", "--model=any", "--target-tpot-milliseconds=20", "--expected-load=50"],
    ["recommend", f"--model={GPT}", "--format=json", "--use-case=chat"],
    ["explain", "s-bb1ab26fe9"],
    ["manifests", "create", f"--model={GPT}", "--model-server=vllm",
     "--accelerator-type=nvidia-h100-80gb"],
    ["profiles", "list", "--model=nobody/nothing"],
    ["store", "export", "-"],
]


class Postgres(Case):
    def setUp(self):
        super().setUp()
        self.assertTrue(WHERE, "run this by tests/contract/with_postgres.sh")
        self.env = {"KNEEPOINT_STORE": WHERE}

    def test_every_command_answers_as_on_sqlite(self):
        for command in COMMANDS:
            here = self.run_program(*command)
            there = self.run_program(*command, f"--store={WHERE}")
            self.assertEqual((there.returncode, there.stderr), (here.returncode, here.stderr),
                             command)
            self.assertEqual(there.stdout, here.stdout, command)

    def test_own_profiles_overlays_and_a_kill(self):
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]
        every = self.home / "all.jsonl"
        self.good("store", "export", every)
        mine = self.home / "mine.jsonl"
        mine.write_text("".join(line + "\n" for line in every.read_text().splitlines()
                                if "layer" not in json.loads(line) or "points" in json.loads(line)),
                        encoding="utf-8")
        running = subprocess.Popen([PROGRAM, "store", "import", mine, f"--store={WHERE}"],
                                   env=support.environment(self.home), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.4)
        running.send_signal(signal.SIGKILL)
        running.wait()

        def layers(*flags):
            return {row["layer"]: row["profiles"]
                    for row in self.json("store", "info", *flags, env=self.env)}

        self.assertIn(layers()["own"], (0, len(support.table("profiles"))))
        points = [dict(row, output_tokens_per_second="4321")
                  for row in support.points_of(profile["id"])]
        folder = self.folder("over", profiles=[profile], points=points)
        if layers()["own"] == 0:
            self.assertIn(1, layers(f"--catalog={folder}").values())
        shutil.rmtree(folder)
        self.assertNotIn(str(folder), str(layers()))

    def test_a_backup_is_a_file_that_answers(self):
        copy = self.home / "copy.db"
        self.good("store", "backup", copy, env=self.env)
        self.assertEqual(self.good("models", "list", "--store", copy), self.good("models", "list"))


if __name__ == "__main__":
    unittest.main()
