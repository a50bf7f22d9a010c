"""The shell scripts: clean by shellcheck, and their errors say what to do."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

REPO = pathlib.Path(__file__).resolve().parents[3]


def shell_scripts():
    found = []
    for folder in ("tools", ".ci", "packaging", "tests"):
        for path in sorted((REPO / folder).rglob("*")):
            if path.is_file() and path.suffix not in (".py", ".csv"):
                with path.open("rb") as file:
                    first = file.readline(80)
                if path.suffix == ".sh" or (first.startswith(b"#!") and b"sh" in first
                                            and b"python" not in first):
                    found.append(path)
    return found


class Scripts(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        self.assertTrue(shutil.which("shellcheck"), "install shellcheck")
        scripts = [str(path.relative_to(REPO)) for path in shell_scripts()]
        self.assertIn("tools/quickstart", scripts)
        # 2317: functions called by name or by a trap look unreachable to it.
        done = subprocess.run(["shellcheck", "-x", "-e", "SC2317", *scripts], cwd=REPO, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.stdout + done.stderr, "")

    def test_every_package_list_is_sorted_and_holds_nothing_twice(self):
        seen = []
        for path in sorted((REPO / "tools" / "packages").glob("*.txt")):
            names = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
            names = [name for name in names if name]
            self.assertEqual(names, sorted(names), path.name)
            seen += names
        self.assertEqual(len(seen), len(set(seen)))


class WithoutPackages(unittest.TestCase):
    """need_packages against a dpkg and an apt that only pretend."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = pathlib.Path(folder.name)
        for tool in ("bash", "cat", "sed", "tr", "dirname", "basename", "mktemp", "rm", "tail", "wc",
                     "df", "awk", "env", "id"):
            os.symlink(shutil.which(tool), self.bin / tool)

    def tool(self, name, body):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text("#!/bin/bash\n" + body + "\n")
        path.chmod(0o755)

    def need(self, **env):
        done = subprocess.run(
            ["bash", "-c", f". {REPO}/tools/lib.sh; need_packages build; echo went on"],
            env={"PATH": str(self.bin), **env}, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def test_another_system_is_told_what_to_install(self):
        status, said = self.need()
        self.assertEqual(status, 1)
        self.assertIn("not Debian", said)
        self.assertIn("libyaml-cpp-dev", said)
        self.assertEqual(self.need(KNEEPOINT_SKIP_PACKAGES="1"), (0, "went on\n"))

    def test_apt_is_not_called_when_nothing_is_missing(self):
        self.tool("dpkg-query", "echo installed")
        self.tool("apt-get", "echo apt was called; exit 1")
        self.assertEqual(self.need(), (0, "went on\n"))

    def test_without_root_and_sudo_the_command_for_root_is_shown(self):
        self.tool("dpkg-query", "case $* in *cmake*) exit 1;; *) echo installed;; esac")
        self.tool("apt-get", "exit 1")
        self.tool("id", "echo 1000")
        status, said = self.need()
        self.assertEqual(status, 1)
        self.assertIn("apt-get install --no-install-recommends cmake", said)

    def test_only_what_is_missing_is_installed_and_with_sudo(self):
        self.tool("dpkg-query", "case $* in *cmake*) exit 1;; *) echo installed;; esac")
        self.tool("id", "echo 1000")
        self.tool("sudo", f'echo "sudo $*" >> {self.bin}/log; exec "$@"')
        self.tool("apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {self.bin}/log')
        status, said = self.need()
        self.assertEqual(status, 0, said)
        log = (self.bin / "log").read_text()
        self.assertIn("sudo env", log)
        self.assertRegex(log, r"noninteractive .*update")
        self.assertRegex(log, r"noninteractive .*--no-install-recommends cmake *\n")

    def test_what_apt_says_when_it_fails_is_shown(self):
        self.tool("dpkg-query", "exit 1")
        self.tool("id", "echo 0")
        self.tool("apt-get", "echo no such mirror >&2; exit 100")
        status, said = self.need()
        self.assertEqual(status, 1)
        self.assertIn("no such mirror", said)
        self.assertIn("Debian 12", said)

    def test_a_full_disk_is_named_before_anything_is_installed(self):
        self.tool("dpkg-query", "exit 1")
        self.tool("id", "echo 0")
        self.tool("apt-get", "echo apt was called; exit 1")
        self.tool("df", "echo header; echo /dev/x 100 90 10 90% /")
        status, said = self.need()
        self.assertEqual(status, 1)
        self.assertIn("10 MB free", said)
        self.assertNotIn("apt was called", said)


if __name__ == "__main__":
    unittest.main()
