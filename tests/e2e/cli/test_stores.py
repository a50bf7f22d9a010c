"""Stores that are full, locked away, damaged, killed or shared."""

import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

import support
from support import GPT, LLAMA, PROGRAM, Case

ASK = ["profiles", "list", f"--model={GPT}", "--limit=3"]


class Killed(Case):
    def test_a_kill_in_the_middle_of_an_import_leaves_all_or_nothing(self):
        every = self.home / "all.jsonl"
        self.good("store", "export", every)
        mine = self.home / "mine.jsonl"
        mine.write_text("".join(line + "\n" for line in every.read_text().splitlines()
                                if "layer" not in json.loads(line) or "points" in json.loads(line)),
                        encoding="utf-8")
        profiles = len(support.table("profiles"))
        began = time.monotonic()
        self.good("store", "import", mine, "--store", self.home / "whole.db")
        length = time.monotonic() - began
        chance = random.Random(7)
        outcomes = set()
        for _ in range(8):
            store = self.home / "killed.db"
            for left in self.home.glob("killed.db*"):
                left.unlink()
            shutil.copyfile(support.filled_store(), store)
            running = subprocess.Popen([PROGRAM, "store", "import", mine, "--store", store],
                                       env=support.environment(self.home),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(length * chance.uniform(0.2, 1.1))
            running.send_signal(signal.SIGKILL)
            running.wait()
            rows = {row["layer"]: row["profiles"]
                    for row in self.json("store", "info", "--store", store)}
            self.assertIn(rows["own"], (0, profiles))
            self.assertEqual(rows["shipped"], profiles)
            outcomes.add(rows["own"])
        self.assertIn(0, outcomes, "no kill came in time")

    def test_a_kill_during_the_first_start_leaves_a_store_that_works(self):
        wanted = self.good(*ASK)
        for step in range(6):
            store = self.home / f"first{step}.db"
            running = subprocess.Popen([PROGRAM, *ASK, "--store", store],
                                       env=support.environment(self.home),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.03 + 0.04 * step)
            running.send_signal(signal.SIGKILL)
            running.wait()
            self.assertEqual(self.good(*ASK, "--store", store), wanted)


class Full(Case):
    """A disk with no room: a small tmpfs where we may mount one, else a limit on file size."""

    def setUp(self):
        super().setUp()
        self.disk = self.home / "disk"
        self.disk.mkdir()
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.disk], capture_output=True,
            check=False).returncode == 0
        if mounted:
            self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)
            self.limit = {}
        else:
            def small_files():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
            self.limit = {"preexec_fn": small_files}
        self.mounted = mounted

    def full(self, *arguments, **others):
        said = self.refused(7, *arguments, **{**self.limit, **others})
        self.assertRegex(said.lower(), r"full|space|too large|cannot write", arguments)
        return said

    def fill(self):
        """Takes what room is left."""
        if not self.mounted:
            return
        try:
            with open(self.disk / "ballast", "wb", buffering=0) as file:
                while file.write(b"x" * 4096):
                    pass
        except OSError:
            pass

    def test_a_store_that_does_not_fit(self):
        store = self.disk / "kneepoint.db"
        self.full(*ASK, "--store", store)
        self.full(*ASK, "--store", store)  # and again: nothing of the first try is in the way
        if store.exists():
            with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as base:
                tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master")}
                if "profile" in tables:
                    self.assertEqual(base.execute("SELECT COUNT(*) FROM profile").fetchone(), (0,))

    def test_an_export_or_a_backup_that_does_not_fit_leaves_nothing(self):
        for command in ("export", "backup"):
            target = self.disk / "out"
            self.full("store", command, target)
            self.assertFalse(target.exists(), command)
            self.assertEqual([path.name for path in self.disk.iterdir()], [], command)

    def test_an_export_that_does_not_fit_leaves_the_older_file(self):
        target = self.disk / "out"
        target.write_text("older\n", encoding="utf-8")
        self.full("store", "export", target)
        self.assertEqual(target.read_text(encoding="utf-8"), "older\n")

    def test_small_files_on_a_full_disk(self):
        if not self.mounted:
            def none():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
            self.limit = {"preexec_fn": none}
        self.fill()
        self.full("manifests", "create", f"--model={GPT}", "--model-server=vllm",
                  "--accelerator-type=nvidia-h100-80gb",
                  f"--output-path={self.disk / 'deploy.yaml'}")
        profile = support.newest_benchmarked(LLAMA, "vllm")[0]["id"]
        self.full("benchmarks", "plot", profile, f"--svg={self.disk / 'curve.svg'}")
        folder = self.folder("ours", prices=[support.price_row("a3-ultragpu-8g", 40.0)])
        self.full("prices", "import", folder / "prices.csv",
                  env={"XDG_CONFIG_HOME": str(self.disk)})
        left = {path.name for path in self.disk.rglob("*") if path.is_file()}
        self.assertLessEqual(left, {"ballast"})


class Locked(Case):
    """Read as a user who may not write; root may do everything, so a mount or another user."""

    def setUp(self):
        super().setUp()
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="kp-ro-"))
        self.addCleanup(shutil.rmtree, self.place, True)
        self.base = self.place / "kneepoint.db"
        shutil.copyfile(support.filled_store(), self.base)
        self.base.chmod(0o444)
        self.place.chmod(0o555)
        self.as_nobody = {}
        if os.geteuid() == 0:
            self.home.chmod(0o755)
            # The program and its folders must be reachable for that user, which a build in
            # somebody's home need not be.
            self.tree = pathlib.Path(tempfile.mkdtemp(prefix="kp-bin-"))
            self.addCleanup(shutil.rmtree, self.tree, True)
            self.tree.chmod(0o755)
            for name in ("kneepoint", "kneepoint.catalog", "kneepoint-store-sqlite.so"):
                shutil.copy(PROGRAM.parent / name, self.tree / name)
            self.as_nobody = {"user": 65534, "group": 65534, "extra_groups": []}

    def nobody(self, *arguments):
        program = self.tree / "kneepoint" if self.as_nobody else PROGRAM
        return subprocess.run([program, *map(str, arguments)], env=support.environment(self.home),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False, cwd="/", **self.as_nobody)

    def test_a_store_that_may_only_be_read_answers(self):
        done = self.nobody(*ASK, "--store", self.base)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, self.good(*ASK))
        self.assertEqual([path.name for path in self.place.iterdir()], ["kneepoint.db"])

    def test_what_must_write_says_so(self):
        folder = self.folder("o", prices=[support.price_row("a3-ultragpu-8g", 40.0)],
                             profiles=[support.newest_benchmarked(LLAMA, "vllm")[0]],
                             points=support.points_of(
                                 support.newest_benchmarked(LLAMA, "vllm")[0]["id"]))
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        done = self.nobody(*ASK, "--store", self.base, f"--catalog={folder}")
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertRegex(done.stderr, r"^kneepoint: .*read-only.*\n$")
        mine = self.home / "mine.jsonl"
        mine.write_text('{"format":"kneepoint.profiles","version":1}\n', encoding="utf-8")
        mine.chmod(0o644)
        done = self.nobody("store", "import", mine, "--store", self.base)
        self.assertNotEqual(done.returncode, 70)
        self.assertNotIn("terminate", done.stderr)

    def test_a_store_that_may_not_even_be_read(self):
        self.base.chmod(0o000)
        done = self.nobody(*ASK, "--store", self.base)
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertRegex(done.stderr, r"^kneepoint: .*kneepoint\.db.*\n$")

    def test_a_folder_that_cannot_be_made(self):
        done = self.nobody(*ASK, "--store", self.place / "new" / "kneepoint.db")
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertRegex(done.stderr, r"^kneepoint: .*\n$")

    def test_a_read_only_disk(self):
        if os.geteuid() != 0:
            return  # shown by the tests above, which need no root
        done = subprocess.run(["mount", "--bind", self.place, self.place], capture_output=True,
                              check=False)
        if done.returncode != 0:
            return  # a container that may not mount: the tests above show the same by file modes
        self.addCleanup(subprocess.run, ["umount", "-l", self.place], check=False)
        subprocess.run(["mount", "-o", "remount,ro,bind", self.place], check=True)
        self.assertEqual(self.good(*ASK, "--store", self.base), self.good(*ASK))
        self.refused(7, *ASK, "--store", self.place / "other.db")


class Damaged(Case):
    def test_a_file_that_is_no_store(self):
        for content in (b"hello, I am a text\n" * 100, b"\0" * 5000, os.urandom(5000)):
            store = self.home / "other.db"
            store.write_bytes(content)
            done = self.run_program(*ASK, "--store", store)
            self.assertIn(done.returncode, (2, 6, 7), done.stderr)
            self.assertRegex(done.stderr, r"^kneepoint: .*other\.db.*\n$")
            self.assertEqual(store.read_bytes(), content, "left as it was")

    def test_a_folder_is_no_store(self):
        done = self.run_program(*ASK, "--store", self.home)
        self.assertIn(done.returncode, (2, 7), done.stderr)
        self.assertRegex(done.stderr, r"^kneepoint: .*\n$")

    def test_a_store_cut_short_is_said(self):
        for share in (0.3, 0.9):
            whole = support.filled_store().read_bytes()
            store = self.home / "cut.db"
            store.write_bytes(whole[:int(len(whole) * share)])
            done = self.run_program("store", "export", "-", "--store", store)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, r"^kneepoint: .*\n$")
            self.assertEqual(done.stdout, "")

    def test_a_newer_schema_is_refused_with_both_versions(self):
        with sqlite3.connect(self.store) as base:
            base.execute("INSERT INTO migration (version, sentence) VALUES (99, 'of tomorrow')")
        said = self.refused(6, *ASK)
        self.assertIn("99", said)
        self.assertRegex(said, r"\b4\b")

    def test_an_unknown_kind_of_store(self):
        done = self.run_program(*ASK, "--store=mysql://root@localhost/x")
        self.assertIn(done.returncode, (2, 7), done.stderr)
        self.assertRegex(done.stderr, r"^kneepoint: .*\n$")

    def test_a_server_that_is_not_there_and_its_password_is_not_told(self):
        done = self.run_program(*ASK,
                                "--store=postgresql://me:tellnobody@127.0.0.1:1/x?connect_timeout=2")
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertNotIn("tellnobody", done.stderr)
        self.assertTrue(done.stderr.startswith("kneepoint: "))


class Shared(Case):
    fresh = True

    def test_many_first_starts_at_once_all_answer(self):
        running = [subprocess.Popen([PROGRAM, *ASK], env=support.environment(self.home),
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                   for _ in range(6)]
        answers = [one.communicate(timeout=60) for one in running]
        self.assertEqual([one.returncode for one in running], [0] * 6, answers)
        self.assertEqual(len({out for out, _ in answers}), 1)

    def test_it_is_its_owners_alone(self):
        self.good("models", "list")
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.store.parent.stat().st_mode & 0o777, 0o700)

    def test_without_a_home_it_is_said(self):
        done = subprocess.run([PROGRAM, "models", "list"], env={"PATH": "/usr/bin"},
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--store", done.stderr)


class Moved(Case):
    def test_export_and_import_carry_everything(self):
        first, second = self.home / "first.jsonl", self.home / "second.jsonl"
        self.good("store", "export", first)
        self.good("store", "import", first, "--all-layers", "--store", self.home / "new.db")
        self.good("store", "export", second, "--store", self.home / "new.db")
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertEqual(self.good("store", "export", "-"), first.read_text(encoding="utf-8"))

    def test_a_backup_is_the_store(self):
        copy = self.home / "copy.db"
        self.assertIn(str(copy), self.good("store", "backup", copy))
        self.assertEqual(self.good(*ASK, "--store", copy), self.good(*ASK))
        self.assertEqual(self.good("store", "export", "-", "--store", copy),
                         self.good("store", "export", "-"))

    def test_the_store_may_be_named_by_a_variable(self):
        self.good("models", "list", env={"KNEEPOINT_STORE": str(self.home / "v.db")})
        self.assertTrue((self.home / "v.db").exists())


if __name__ == "__main__":
    unittest.main()
