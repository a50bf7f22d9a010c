"""Hostile values of every flag of `manifests create` stay values: in YAML, in what the shell makes of the
commands in the comments, and on a terminal.

The flags are those that the program's own help names; one that is new and has no harmless value here makes
the test fail. A hostile value is refused in one sentence, or it gives what the harmless one gives: the same
structure, the same lines, and commands that start the same programs with as many arguments.
"""

import itertools
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import support
from support import Case

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
BASE = {"--model": MODEL, "--model-server": "vllm", "--accelerator-type": "nvidia-l4", "--provider": "any"}
BUCKET = "--model-bucket-uri=gs://models/a"
CLOUD_RUN = "--platform=cloud-run"
# Of each flag that takes a text: a value that works, and the flags that it needs to say anything.
TEXTS = {
    "--model": (MODEL, ()),
    "--model-server": ("vllm", ()),
    "--accelerator-type": ("nvidia-l4", ()),
    "--model-server-version": ("0.19.0", ()),
    "--instance-type": ("g2-standard-96", ()),
    "--use-case": ("a use case of nobody", ()),
    "--serving-stack": ("llm-d", ()),
    "--serving-stack-version": ("v0.4.0", ("--serving-stack=llm-d", "--accelerators-per-replica=1")),
    "--model-bucket-uri": ("gs://models/a", ("--fill-bucket",)),
    "--image": ("example.com/server:1", ()),
    "--gguf": ("owner/name:Q8_0", ("--model-server=llama.cpp", "--model-server-version=b6500")),
    "--multi-host-start": ("native", ("--accelerators-per-replica=16", "--image=example.com/server:1")),
    "--exclusive-topology": ("cloud.google.com/gke-nodepool", (
        "--model=deepseek-ai/DeepSeek-R1", "--accelerator-type=nvidia-h100-80gb", "--accelerators-per-replica=16")),
    "--statistic": ("closest", ()),
    "--autoscaler": ("keda", ()),
    "--hpa-signal": ("queue", ()),
    "--prometheus-url": ("http://prometheus:9090", ("--autoscaler=keda",)),
    "--platform": ("eks", ()),
    "--storage": ("local-ssd", ()),
    "--storage-class": ("shared", ("--storage=volume",)),
    "--xla-cache-uri": ("gs://caches/a", (
        "--model=Qwen/Qwen3-32B", "--model-server=vllm-tpu", "--accelerator-type=tpu-v6e-slice")),
    "--cluster-version": ("1.33.2-gke.4655000", (BUCKET,)),
    "--model-image": ("europe-west4-docker.pkg.dev/a/b/c:1", (CLOUD_RUN, "--storage=image")),
    "--network": ("default/inside", (CLOUD_RUN,)),
    "--pricing-model": ("on-demand", ()),
    "--region": ("europe-west4", ()),
    "--provider": ("any", ()),
    "--namespace": ("serving", ()),
    "--output": ("all", ()),
    "--output-path": ("set.yaml", ()),
    "--output-dir": ("set", ()),
}
# What is in front of and behind a hostile word where a flag takes a form.
FORMS = {
    "--model-bucket-uri": ("{}", "gs://{}", "gs://models/{}"),
    "--xla-cache-uri": ("{}", "gs://{}", "gs://caches/{}"),
    "--prometheus-url": ("{}", "http://{}", "http://prometheus:9090/{}"),
    "--image": ("{}", "example.com/{}", "example.com/server:{}"),
    "--model-image": ("{}", "europe-west4-docker.pkg.dev/a/b/c:{}"),
    "--gguf": ("{}", "owner/{}", "owner/name:{}"),
    "--network": ("{}", "default/{}"),
    "--exclusive-topology": ("{}", "example.com/{}"),
    "--cluster-version": ("{}", "1.33.2-gke.{}"),
    "--model": ("{}", "meta-llama/{}"),
}
WORDS = ["$(rm -rf /)", "`touch owned`", "$HOME", "${IFS}a", "a;touch owned", "a|touch owned", "a&&touch owned",
         "a > owned", "'", "it's", '"', 'a"b', '"; touch owned; "', "'; touch owned; '", "\\", "a\\nb", "a b",
         "#", "a #b", "# comment", "---", "a\n---\nkind: Secret", "a\nb: c", "a\rb", "a\tb", "{a: b}", "[1, 2]",
         "- a", "a: b", "&a", "*a", "!!python/object:os.system", "|", ">", "%a", "@a", "null", "true", "~", "1e3",
         "0x10", "{{ .Values.a }}", "$(A)", "$$(A)", "-a", "--help", "\u2028x", "\u202eabc", "\u00fc\u2603",
         "\x1b[31mred", "\x07", "x" * 5000, "../../etc/passwd", "=", ","]
FULL = bool(os.environ.get("KNEEPOINT_FULL_MATRICES"))
# Each form of each flag has these, and some of the others in turn; all of them in tools/release-check.
ALWAYS = ["$(rm -rf /)", "'; touch owned; '", '"; touch owned; "', "a\n---\nkind: Secret", "a #b", "\x1b[31mred"]
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f\u0085\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
TOOLS = r"(?:kubectl|gcloud|aws|az|eksctl|helm|printf|curl|docker|hf)"
# A shell in which no program is there: what it would start is written down instead.
SHELL = r"""command_not_found_handle() { printf '%s\0' "$#" "$@" >&3; }; exec 3>called; unset HF_TOKEN; eval "$1" """


def shape(value):
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def text_flags(help_text):
    """(flags that take a text, flags that take a number) of the help."""
    texts, numbers = set(), set()
    for flag, what in re.findall(r"(?m)^  (--[a-z0-9-]+)=(\S+)", help_text):
        (numbers if what in ("N", "MS", "RATE", "SHARE", "TOKENS") else texts).add(flag)
    return texts, numbers


def called(command):
    """What a shell starts for a command: [[program, argument...], ...]."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["/bin/bash", "--norc", "-c", SHELL, "_", command], cwd=folder, check=False, timeout=20,
                       env={"PATH": "/nowhere", "LC_ALL": "C.UTF-8"}, stdin=subprocess.DEVNULL,
                       capture_output=True)
        log = pathlib.Path(folder, "called").read_bytes().decode().split("\0")[:-1]
        left = sorted(os.listdir(folder))
    calls = []
    while log:
        count = int(log.pop(0))
        calls.append(log[:count])
        del log[:count]
    return calls, left


class Hostile(Case):
    maxDiff = 2000

    def ask(self, flag, value):
        good, needs = TEXTS.get(flag, (None, ()))
        flags = dict(BASE)
        for one in needs:
            name, _, given = one.partition("=")
            flags[name] = given if "=" in one else None
        if flag != "--model-server" and "--model-server-version" not in flags and flags["--model-server"] == "vllm":
            flags["--model-server-version"] = "0.19.0"
        flags[flag] = value
        return self.run_program("manifests", "create", *(
            name if given is None else f"{name}={given}" for name, given in flags.items()))

    def test_every_flag_of_the_help_has_a_harmless_value_here(self):
        texts, numbers = text_flags(self.good("manifests", "create", "--help"))
        common, _ = text_flags(self.good("--help"))
        self.assertEqual(texts - common, set(TEXTS))
        self.assertGreater(len(numbers), 15)

    def test_a_number_is_a_number(self):
        _, numbers = text_flags(self.good("manifests", "create", "--help"))
        for flag in sorted(numbers):
            for word in ["$(rm -rf /)", "1;touch owned", "1\n2", "nan", "0x10", "9" * 400]:
                done = self.ask(flag, word)
                with self.subTest(flag=flag, word=word):
                    self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                    self.assertIsNone(RAW.search(done.stderr), done.stderr)

    def test_a_text_stays_a_value(self):
        accepted, turn = 0, itertools.cycle(word for word in WORDS if word not in ALWAYS)
        for flag, (harmless, _) in TEXTS.items():
            wanted = self.ask(flag, harmless)
            self.assertEqual(wanted.returncode, 0, f"{flag}={harmless}: {wanted.stderr}")
            for form in FORMS.get(flag, ("{}",)):
                for word in WORDS if FULL else ALWAYS + list(itertools.islice(turn, 8)):
                    value = form.format(word)
                    done = self.ask(flag, value)
                    with self.subTest(flag=flag, value=value[:80]):
                        self.assertIsNone(RAW.search(done.stderr), done.stderr)
                        if done.returncode != 0:
                            self.assertIn(done.returncode, (1, 2, 3, 4, 7), done.stderr)
                            self.assertEqual(done.stdout, "")
                            self.assertEqual(len(re.findall("(?m)^kneepoint: ", done.stderr)), 1, done.stderr)
                            continue
                        accepted += 1
                        self.compare(wanted.stdout, done.stdout, harmless, value)
        print(f"{accepted} hostile values of {len(TEXTS)} flags are taken as values, the others refused")
        self.assertGreater(accepted, 20)

    def compare(self, wanted, found, harmless, value):
        self.assertIsNone(RAW.search(found), RAW.search(found))
        if wanted.startswith("Output saved to "):
            return
        self.assertEqual([shape(one) for one in support.documents(found)],
                         [shape(one) for one in support.documents(wanted)])
        comments = [text.partition("\n# Generated on ")[2].splitlines() for text in (wanted, found)]
        self.assertEqual(len(comments[0]), len(comments[1]))
        for before, after in zip(*(lines[1:] for lines in comments)):
            self.assertEqual((before[:1], after[:1]), ("#", "#"))
            if before != after and re.match(rf"#   {TOOLS} ", before):
                self.commands(before[4:], after[4:], harmless, value)

    def commands(self, before, after, harmless, value):
        self.assertEqual(subprocess.run(["/bin/bash", "-n", "-c", after], check=False,
                                        capture_output=True).returncode, 0, after)
        (wanted, nothing), (found, left) = called(before), called(after)
        self.assertGreater(len(wanted), 0, before)
        self.assertEqual((left, [len(call) for call in found]), (nothing, [len(call) for call in wanted]),
                         f"\n{before}\n{after}")
        for one, other in zip(wanted, found):
            self.assertEqual(one[0], other[0])
            for a, b in zip(one, other):
                if a != b and a.startswith(("{", "[")):
                    self.assertEqual(shape(json.loads(a)), shape(json.loads(b)), b)


class TheShell(unittest.TestCase):
    """The test sees what it looks for."""

    def test_what_a_command_starts_is_seen(self):
        self.assertEqual(called("kubectl get 'a b' | helm x")[0] and sorted(called("kubectl get 'a b'; helm x")[0]),
                         [["helm", "x"], ["kubectl", "get", "a b"]])
        self.assertEqual(called("kubectl get $(touch owned)")[0], [["touch", "owned"], ["kubectl", "get"]])
        self.assertEqual(called("kubectl get '$(touch owned)'")[0], [["kubectl", "get", "$(touch owned)"]])
        self.assertEqual(called("kubectl get > owned")[1], ["called", "owned"])


if __name__ == "__main__":
    unittest.main()
