"""On a terminal and in a pipe; help, completion and colours."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import unittest

import support
from support import GPT, LLAMA, PROGRAM, Case

COMMANDS = """recommend|explain|profiles list|benchmarks list|benchmarks plot|manifests create|
models list|model-servers list|model-server-versions list|accelerators list|
model-and-server-combinations list|use-cases list|serving-stacks list|serving-stack-versions list|
models add|prices import|catalog info|catalog check|store info|store export|store import|
store backup|completion|help|version""".replace("\n", "").split("|")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class OnTerminal(Case):
    def on_terminal(self, *arguments, columns=100, env=None):
        settings = {**support.environment(self.home), "TERM": "xterm-256color", **(env or {})}
        settings.pop("COLUMNS")
        child, master = pty.fork()
        if child == 0:
            os.execve(PROGRAM, [str(PROGRAM), *map(str, arguments)], settings)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        out = b""
        while True:
            ready, _, _ = select.select([master], [], [], 20)
            try:
                part = os.read(master, 65536) if ready else b""
            except OSError:
                part = b""
            if not part:
                break
            out += part
        os.close(master)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), out.decode().replace("\r\n", "\n")

    def curve(self):
        return support.newest_benchmarked(LLAMA, "vllm")[0]["id"]

    def test_colours_only_where_they_are_wanted(self):
        plot = ["benchmarks", "plot", self.curve()]
        status, text = self.on_terminal(*plot)
        self.assertEqual(status, 0)
        self.assertRegex(text, ESCAPE)
        for arguments, env in ((plot, {"NO_COLOR": "1"}), ([*plot, "--no-color"], {}),
                               (plot, {"TERM": "dumb"})):
            status, plain = self.on_terminal(*arguments, env=env)
            self.assertEqual(status, 0)
            self.assertNotIn("\x1b", plain, env)
        self.assertNotIn("\x1b", self.good(*plot))
        self.assertNotIn("\x1b", self.good(*plot, env={"TERM": "xterm-256color"}))

    def test_an_empty_no_color_counts_as_unset(self):
        self.assertRegex(self.on_terminal("benchmarks", "plot", self.curve(),
                                          env={"NO_COLOR": ""})[1], ESCAPE)

    def test_a_picture_is_no_wider_than_asked(self):
        for width in (60, 90, 118):
            text = self.good("benchmarks", "plot", self.curve(), f"--width={width}")
            self.assertLessEqual(max(map(len, text.splitlines())), width)

    def test_help_is_no_wider_than_the_terminal(self):
        for columns in (60, 80, 120):
            for command in ("profiles list", "recommend"):
                text = self.good(*command.split(), "--help", env={"COLUMNS": str(columns)})
                for line in text.splitlines():
                    if "--" not in line and "kneepoint " not in line:
                        self.assertLessEqual(len(line), columns, line)

    def test_rows_are_the_same_on_a_terminal_and_in_a_pipe(self):
        command = ["profiles", "list", f"--model={GPT}", "--limit=4", "--verbosity=none"]
        status, text = self.on_terminal(*command)
        self.assertEqual(status, 0)
        self.assertEqual(ESCAPE.sub("", text), self.good(*command))

    def test_long_work_is_announced_on_a_terminal_only(self):
        self.store.unlink()
        self.assertIn("loading catalog layer", self.on_terminal("models", "list")[1])
        self.store.unlink()
        self.assertEqual(self.run_program("models", "list").stderr, "")

    def test_plain_letters_where_the_locale_has_no_others(self):
        text = ESCAPE.sub("", self.on_terminal("benchmarks", "plot", self.curve(),
                                               env={"LC_ALL": "C"})[1])
        axis = [line for line in text.splitlines() if line][5:]
        for line in axis:
            self.assertTrue(line.isascii(), line)


class Help(Case):
    fresh = True

    def test_every_command_has_help_with_an_example(self):
        for command in COMMANDS:
            text = self.good(*command.split(), "--help")
            self.assertRegex(text, rf"(?m)^ +kneepoint {re.escape(command)}", command)
            self.assertEqual(self.good("help", *command.split()), text)
            self.assertEqual(self.good(*command.split(), "-h"), text)
        self.assertFalse((self.home / ".local").exists(), "help opens no store")

    def test_examples_are_examples_that_work(self):
        configs = support.ROOT / "tests" / "data" / "configs"
        shutil.copy(configs / "Qwen__Qwen3-8B.json", self.home / "config.json")
        folder = self.folder("ours", prices=[support.price_row("a3-ultragpu-8g", 40.0)])
        shutil.copy(folder / "prices.csv", self.home / "our-prices.csv")
        self.folder("our-catalog", prices=[support.price_row("a3-ultragpu-8g", 40.0)])
        for command in COMMANDS:
            if command in ("explain", "store import", "completion"):
                continue  # names a profile of nobody; needs an export; a shell reads it
            text = self.good(*command.split(), "--help", env={"COLUMNS": "400"})
            text = re.sub(r"\\\n\s*", "", text)
            example = [line.strip() for line in text.splitlines()
                       if line.strip().startswith(f"kneepoint {command}")][-1]
            done = subprocess.run(["/bin/sh", "-c", example.replace("kneepoint", f"'{PROGRAM}'", 1)],
                                  cwd=self.home, env=support.environment(self.home),
                                  capture_output=True, text=True, timeout=60, check=False)
            # A price changes and a target may get out of reach: the words are understood.
            self.assertIn(done.returncode, (0, 4), (example, done.stderr))

    def test_groups_explain_themselves(self):
        for words in ([], ["profiles"], ["container", "ai", "profiles"], ["store"]):
            text = self.good(*words, "--help")
            self.assertIn("list" if words != ["store"] else "export", text)

    def test_the_version(self):
        self.assertRegex(self.good("--version"), r"^kneepoint \d+\.\d+\.\d+")
        self.assertEqual(self.good("version"), self.good("--version"))

    def test_completion_scripts_are_scripts(self):
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]),
                             ("fish", ["fish", "--no-execute"])):
            text = self.good("completion", shell)
            self.assertIn("kneepoint", text)
            if shutil.which(check[0]):
                script = self.home / f"script.{shell}"
                script.write_text(text, encoding="utf-8")
                subprocess.run([*check, script], check=True, capture_output=True, timeout=20)

    def test_bash_completes_commands_flags_and_choices(self):
        script = self.home / "completion.bash"
        script.write_text(self.good("completion", "bash"), encoding="utf-8")

        def offers(line):
            words = line.split(" ")
            quoted = " ".join(f"'{word}'" for word in words)
            probe = (f"source '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                     f"COMP_LINE='{line}'; COMP_POINT={len(line)}; "
                     "f=$(complete -p kneepoint | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
                     "$f kneepoint; printf '%s\\n' \"${COMPREPLY[@]}\"")
            done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True,
                                  timeout=20, check=True,
                                  env={"PATH": f"{PROGRAM.parent}:/usr/bin:/bin"})
            return [word.strip() for word in done.stdout.split("\n") if word.strip()]

        self.assertIn("profiles", offers("kneepoint prof"))
        self.assertIn("list", offers("kneepoint profiles "))
        self.assertTrue(any(word.startswith("--target-ttft") for word in
                            offers("kneepoint profiles list --target-t")))


class Streams(Case):
    def test_notes_never_mix_with_the_answer(self):
        for command in (["profiles", "list", f"--model={GPT}", "--format=json"],
                        ["recommend", f"--model={GPT}", "--format=json"],
                        ["manifests", "create", f"--model={GPT}", "--output=manifest",
                         "--accelerator-type=nvidia-h100-80gb"]):
            done = self.run_program(*command)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn("prices:", done.stdout.split("assumptions")[0])
            self.assertEqual(bool(done.stderr), command[0] != "recommend", "its JSON holds them")
            self.assertEqual(self.run_program(*command, "--verbosity=none").stderr, "")

    def test_a_reader_that_leaves_early_is_no_crash(self):
        done = subprocess.run(["/bin/sh", "-c", f"'{PROGRAM}' benchmarks list --model={GPT} "
                               "--model-server=vllm --model-server-version=all | head -1"],
                              env=support.environment(self.home), capture_output=True, text=True,
                              timeout=30, check=True)
        self.assertNotIn("Aborted", done.stderr)
        self.assertTrue(done.stdout.startswith("Instance Type,"))

    def test_standard_output_that_is_full_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "models", "list"], stdout=full, stderr=subprocess.PIPE,
                                  env=support.environment(self.home), text=True, timeout=30,
                                  check=False)
        self.assertEqual(done.returncode, 7)
        self.assertIn("kneepoint: cannot write to standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
