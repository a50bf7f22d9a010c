#!/usr/bin/env python3
"""Runs the scenarios of this folder; README.md says how they are written."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
GOLDEN = ROOT / "tests" / "golden" / "manifest"
TODAY = "1795219200"  # 2026-11-21
HOME = tempfile.TemporaryDirectory(prefix="kp-scenario-")  # the shipped catalog is read into it once
STEP = re.compile(r"""\.?([\w/-]+)|\[(\d+)\]|\["([^"]+)"\]""")


class Wrong(Exception):
    """What a scenario says is not so."""


def logical_lines(text):
    """(number, line) without comments and empty lines, those that end with \\ joined."""
    begun, number = "", 0
    for at, line in enumerate(text.splitlines(), 1):
        if not begun:
            number = at
        if line.endswith("\\"):
            begun += line[:-1].rstrip() + " "
            continue
        line, begun = begun + (line.strip() if begun else line), ""
        if line.strip() and not line.startswith("#"):
            yield number, line


def at(node, path):
    """The value at a path, or None."""
    end = 0
    for step in STEP.finditer(path):
        if step.start() != end:
            break
        end = step.end()
        key = int(step[2]) if step[2] else step[3] or step[1]
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            return None
    if end != len(path):
        raise Wrong(f"not a path: {path}")
    return node


class Answer:
    """What a command printed, and its objects."""

    def __init__(self, folder, command):
        words = shlex.split(command)
        if words[0] != "kneepoint":
            raise Wrong("a command begins with kneepoint")
        environment = {"HOME": HOME.name, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "COLUMNS": "100",
                       "SOURCE_DATE_EPOCH": TODAY}
        done = subprocess.run([PROGRAM, *words[1:]], cwd=folder, env=environment, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, check=False, timeout=120)
        self.status, self.out, self.error = done.returncode, done.stdout, done.stderr
        self.folder, self.text = folder, done.stdout

    def objects(self):
        return [one for one in yaml.safe_load_all(self.text) if one is not None]

    def one(self, kind):
        kind, _, name = kind.partition("/")
        found = [one for one in self.objects() if one["kind"] == kind and name in ("", one["metadata"]["name"])]
        if len(found) != 1:
            raise Wrong(f"{len(found)} objects are {kind} {name}; there are"
                        f" {', '.join(one['kind'] + '/' + one['metadata']['name'] for one in self.objects())}")
        return found[0]

    def check(self, line):
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "status":
            self.expect(self.status, int(rest))
        elif word == "kinds":
            self.expect(", ".join(one["kind"] for one in self.objects()), rest)
        elif word in ("says", "warns"):
            text = self.text if word == "says" else self.error
            if rest not in text:
                raise Wrong(f"not there; it ends with\n{text[-3000:]}")
        elif word == "never":
            which, _, part = rest.partition(" ")
            if part in {"says": self.text, "warns": self.error}[which]:
                raise Wrong("it is there")
        elif word == "wrote":
            self.text = (self.folder / rest).read_text(encoding="utf-8")
        elif word == "objects" and rest.startswith("as "):
            self.golden(GOLDEN / rest.removeprefix("as "))
        else:
            self.value(word, rest)

    def value(self, kind, rest):
        said = re.fullmatch(r"(\S+) (=|has|missing)(?: (.*))?", rest)
        if not said:
            raise Wrong("not understood")
        found = at(self.one(kind), said[1])
        if said[2] == "missing":
            self.expect(found, None)
        elif said[2] == "=":
            self.expect(found, yaml.safe_load(said[3]))
        elif said[3] not in (found or ()):
            raise Wrong(f"it has {found}")

    def golden(self, path):
        objects = self.text.partition("\n# Generated")[0].rstrip("\n") + "\n"
        if os.environ.get("UPDATE_GOLDEN") and path.name != "nothing.yaml":
            path.parent.mkdir(exist_ok=True)
            path.write_text(objects, encoding="utf-8")
        if not path.exists() or path.read_text(encoding="utf-8") != objects:
            raise Wrong(f"not the bytes of {path.relative_to(ROOT)}; UPDATE_GOLDEN=1 {sys.argv[0]} writes them")

    @staticmethod
    def expect(found, wanted):
        if found != wanted or type(found) is not type(wanted):
            raise Wrong(f"it is {found!r}")


def play(text, folder):
    """Raises Wrong with the line that does not hold."""
    answer, unasked, writing = None, True, None
    status_asked = True
    for number, line in [*logical_lines(text), (0, "$")]:
        try:
            if writing and line.startswith(" "):
                with open(writing, "a", encoding="utf-8") as file:
                    file.write(line[4:] + "\n")
                continue
            writing = None
            if line.startswith(("$", "file ")) and answer and not status_asked:
                answer.expect(answer.status, 0)
                status_asked = True
            if line == "$":
                break
            if line.startswith("file "):
                writing = folder / line.removeprefix("file ").strip()
                writing.parent.mkdir(parents=True, exist_ok=True)
            elif line.startswith("$ "):
                answer, unasked, status_asked = Answer(folder, line[2:]), False, False
            elif unasked:
                raise Wrong("nothing was run before this line")
            else:
                status_asked |= line.startswith("status ")
                answer.check(line)
        except Wrong as wrong:
            raise Wrong(f"line {number}: {line}\n  {wrong}"
                        + (f"\n{answer.error}" if answer and answer.status else "")) from None
    if unasked:
        raise Wrong("it runs nothing")


class Scenarios(unittest.TestCase):
    maxDiff = None


def test_of(path):
    def test(self):
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(path.read_text(encoding="utf-8"), pathlib.Path(folder))
            except Wrong as wrong:
                self.fail(f"{path.relative_to(HERE)}, {wrong}")

    return test


class Runner(unittest.TestCase):
    """A scenario that is not so is seen."""

    def said(self, text):
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(text, pathlib.Path(folder))
            except Wrong as wrong:
                return str(wrong)
        return ""

    def test_what_holds_holds(self):
        self.assertEqual(self.said("$ kneepoint --version\nstatus 0\nsays kneepoint\nnever says goodbye"), "")

    def test_each_line_can_fail(self):
        made = ("$ kneepoint manifests create --model=openai/gpt-oss-20b --model-server=vllm "
                "--accelerator-type=nvidia-h100-80gb\n")
        for line in ("status 1", "kinds Deployment", "says nonsense", "never says Deployment", "warns nonsense",
                     "Deployment spec.replicas = 2", "Deployment spec.replicas = \"1\"",
                     "Deployment spec.template.spec.containers[0].args has --nonsense",
                     "Deployment spec.replicas missing", "StatefulSet spec = 1", "objects as nothing.yaml",
                     "nonsense", "Deployment a b"):
            with self.subTest(line):
                self.assertIn(line, self.said(made + line))
        self.assertIn("line 0", self.said("$ kneepoint nonsense"))
        self.assertIn("line 2", self.said("$ kneepoint nonsense\n$ kneepoint --version"))
        self.assertIn("nothing was run", self.said("status 0"))


FILES = sorted(HERE.glob("*/*.txt"))
for file in FILES:
    name = re.sub(r"\W+", "_", str(file.relative_to(HERE).with_suffix("")))
    setattr(Scenarios, f"test_{name}", test_of(file))

if __name__ == "__main__":
    chosen = [pathlib.Path(argument).resolve() for argument in sys.argv[1:] if argument.endswith(".txt")]
    if chosen:
        sys.argv = [sys.argv[0]] + [
            f"Scenarios.test_{re.sub(chr(92) + 'W+', '_', str(one.relative_to(HERE).with_suffix('')))}"
            for one in chosen]
    unittest.main()
