"""What `kneepoint manifests create` writes, a real API server takes: for every setup that was measured
and for every pair of options, and for releases and accelerators that nobody measured together.

docs/manifest-validation.md is the table; UPDATE_GOLDEN=1 rewrites it. Numbers in it follow the catalog,
so the test compares everything but them.
"""

import collections
import concurrent.futures
import csv
import itertools
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import yaml

import control_plane
import mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
PAGE = ROOT / "docs" / "manifest-validation.md"
SEED = 20261121
NAMESPACES = ("serving-7", "team-a")

# Of each option every value. Of each two options every pair of values is asked for, and every value
# with every setup.
OPTIONS = {
    "namespace": ((), ("--namespace=serving-7",), ("--namespace=team-a",)),
    "load": ((), ("--expected-load=0.5",), ("--expected-load=40",),
             ("--expected-load=40", "--min-available", "--headroom=0.4")),
    "target": ((), ("--target-ntpot-milliseconds=200",), ("--target-ttft-milliseconds=300",),
               ("--target-ttft-milliseconds=1",)),
    "statistic": ((), ("--statistic=closest",)),
    "price": ((), ("--pricing-model=on-demand",), ("--pricing-model=3-years-cud",)),
    "output": ((), ("--output=manifest",)),
    "autoscaler": ((), ("--autoscaler=hpa-stackdriver", "--hpa-signal=queue"),
                   ("--autoscaler=keda", "--max-replicas=12"),
                   ("--autoscaler=prometheus-adapter", "--hpa-signal=kv", "--min-replicas=2")),
    "weights": ((), ("--model-bucket-uri=gs://models/weights",),
                ("--model-bucket-uri=gs://models/weights", "--fill-bucket",
                 "--cluster-version=1.33.2-gke.4655000"),
                ("--storage=runai-streamer", "--model-bucket-uri=s3://models/weights"),
                ("--storage=hyperdisk-ml",), ("--storage=local-ssd",),
                ("--storage=volume", "--storage-class=shared")),
    "platform": ((), ("--platform=eks",), ("--platform=aks",), ("--platform=kubernetes",),
                 ("--platform=cloud-run",)),
    "alerts": ((), ("--alerts",)),
    "serving stack": ((), ("--serving-stack=llm-d",), ("--serving-stack=gateway-inference-extension",)),
}
# Setups that the catalog has no measurement of, because they are asked for by their shape: replicas on
# several hosts, servers of other file formats, TPUs. Each of them as often as the longest option is long.
SHAPES = [
    (("deepseek-ai/DeepSeek-R1", "vllm", "0.19.0", "nvidia-h100-80gb"), ()),
    (("deepseek-ai/DeepSeek-R1", "vllm", "0.11.0", "nvidia-h100-80gb"), ()),
    (("deepseek-ai/DeepSeek-R1", "vllm", "0.19.0", "nvidia-h100-mega-80gb"),
     ("--multi-host-start=ray", "--gpu-network")),
    (("deepseek-ai/DeepSeek-R1", "vllm", "0.19.0", "nvidia-h100-80gb"),
     ("--instance-type=a3-highgpu-8g", "--gpu-network")),
    (("deepseek-ai/DeepSeek-R1", "sglang", "0.5.9", "nvidia-h100-80gb"), ()),
    (("deepseek-ai/DeepSeek-R1", "vllm", "0.19.0", "nvidia-h200-141gb"),
     ("--accelerators-per-replica=16", "--gpu-network")),
    (("meta-llama/Llama-3.1-405B-Instruct", "vllm", "0.19.0", "nvidia-h100-80gb"), ()),
    (("meta-llama/Llama-3.1-405B-Instruct", "vllm", "0.19.0", "nvidia-h100-80gb"),
     ("--tensor-parallel=16", "--exclusive-topology=cloud.google.com/gke-nodepool")),
    (("meta-llama/Llama-3.1-405B-Instruct", "sglang", "0.5.9", "nvidia-h100-80gb"),
     ("--instance-type=a3-highgpu-8g",)),
    (("meta-llama/Llama-3.1-8B-Instruct", "llama.cpp", "b6500", "nvidia-l4"),
     ("--gguf=bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q8_0",)),
    (("meta-llama/Llama-3.1-8B-Instruct", "ollama", "", "nvidia-l4"), ("--gguf=llama3.1:8b",)),
    (("meta-llama/Llama-3.1-8B-Instruct", "tgi", "", "nvidia-l4"), ()),
    (("meta-llama/Llama-3.1-8B-Instruct", "tensorrt-llm", "1.0.0", "nvidia-h100-80gb"), ()),
    (("Qwen/Qwen3-32B", "vllm-tpu", "0.12.0", "tpu-v6e-slice"), ()),
    (("Qwen/Qwen3-32B", "vllm-tpu", "0.12.0", "tpu7x"), ()),
    (("Qwen/Qwen3-32B", "vllm-tpu", "0.12.0", "tpu-v5-lite-podslice"), ()),
    (("meta-llama/Llama-3.1-8B-Instruct", "vllm", "0.19.0", "nvidia-l4"),
     ("--storage=gcs-fuse-profile", "--model-bucket-uri=gs://models/weights")),
    (("meta-llama/Llama-3.1-405B-Instruct", "vllm", "0.19.0", "nvidia-h100-80gb"),
     ("--tensor-parallel=16", "--pipeline-parallel=2")),
    (("meta-llama/Llama-3.1-405B-Instruct", "vllm", "0.19.0", "nvidia-gb200"),
     ("--instance-type=a4x-highgpu-4g", "--accelerators-per-replica=8", "--gpu-network")),
]
# Who defines the kinds that are written, and so whose rules they are held to.
BUILT_IN = dict.fromkeys(("", "apps", "autoscaling", "batch", "rbac.authorization.k8s.io",
                          "storage.k8s.io"), "Kubernetes")
# Kinds a set for a cluster may hold whose definition no project publishes.
NOT_VALIDATED = {
    "ComputeClass (cloud.google.com)": "defined by GKE, in no public module; written for"
    " --storage=boot-disk with --instance-type, of which none is asked for here",
    "ComputeDomain (resource.nvidia.com)": "defined by NVIDIA's DRA driver, in no module that is fetched"
    " here",
    "InferenceObjective (llm-d.ai)": "defined by llm-d's router, in no module that is fetched here",
    "GCPBackendPolicy (networking.gke.io)": "defined by GKE, in no public module",
    "HealthCheckPolicy (networking.gke.io)": "defined by GKE, in no public module",
}


def rows(name):
    with open(ROOT / "data" / "catalog" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured():
    """Every setup of the catalog once: what a manifest can be asked for by name."""
    return sorted({(row["model"], row["model_server"], row["model_server_version"], row["accelerator"])
                   for row in rows("profiles")})


def unmeasured():
    """Every version of a server that has an image, on four accelerators each and with models in turn:
    with known models that are small enough for some of them."""
    models = itertools.cycle(sorted(row["model"] for row in rows("models")
                                    if row["complete"] == "yes" and float(row["params_b"]) < 40))
    accelerators = itertools.cycle(row["id"] for row in rows("accelerators"))
    return [(next(models), row["server"], row["version"], next(accelerators))
            for row in rows("server_versions") if row["image"] for _ in range(4)]


def choices(setups, seed=SEED):
    """(setup, one value's number of each option): each setup as often as the longest option has values,
    so that it meets all of them; where it begins is drawn, so that pairs of options meet too."""
    draw = random.Random(seed)
    times = max(len(values) for values in OPTIONS.values())
    for setup in setups:
        begin = {name: draw.randrange(len(values)) for name, values in OPTIONS.items()}
        for turn in range(times):
            yield setup, {name: (begin[name] + turn) % len(values) for name, values in OPTIONS.items()}


def shaped():
    """The shapes, with their own flags as a last member of the setup."""
    return [(*setup, flags) for setup, flags in SHAPES]


def flags_of(setup, choice):
    model, server, version, accelerator, *shape = setup
    flags = [f"--model={model}", f"--model-server={server}", f"--accelerator-type={accelerator}",
             "--provider=any"]
    if version:
        flags.append(f"--model-server-version={version}")
    for name, number in choice.items():
        flags += OPTIONS[name][number]
    for more in shape:
        flags += more
    return flags


def split_off(text):
    """A set without the kinds that no definition is public of, and how many of each those were."""
    kept, left = [], collections.Counter()
    for document in text.split("\n---\n"):
        kind = re.search(r"^kind: (\w+)$", document, re.MULTILINE)
        group = re.search(r"^apiVersion: (\S+)/", document, re.MULTILINE)
        name = f"{kind.group(1)} ({group.group(1)})" if kind and group else ""
        if name in NOT_VALIDATED:
            left[name] += 1
        else:
            kept.append(document)
    return "\n---\n".join(kept), left


class Emitted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()
        home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(home.cleanup)
        cls.environment = {"HOME": home.name, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                           "SOURCE_DATE_EPOCH": "1795219200"}
        have = {one["metadata"]["name"] for one in cls.cluster.get("namespaces")["items"]}
        for name in NAMESPACES:
            if name not in have:
                cls.cluster.kubectl("create", "namespace", name)
        cls.measured = list(choices(measured()))
        cls.shaped = list(choices(shaped(), SEED + 1)) + [
            (setup, dict.fromkeys(OPTIONS, 0)) for setup in shaped()]
        cls.asked = cls.measured + cls.shaped + [
            (setup, dict.fromkeys(OPTIONS, 0)) for setup in unmeasured()]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.answers = list(pool.map(cls.ask, cls.asked))
        cls.texts = {}
        cls.left = collections.Counter()
        for number, done in enumerate(cls.answers):
            if done.returncode == 0:
                cls.texts[str(number)], left = split_off(done.stdout)
                cls.left.update(left)
        cls.verdicts = cls.cluster.dry_run(cls.texts)

    @classmethod
    def ask(cls, one):
        return subprocess.run([PROGRAM, "manifests", "create", *flags_of(*one)], env=cls.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=60)

    def test_every_manifest_is_accepted(self):
        refused = [one for one in self.verdicts if not one["accepted"]]
        for one in refused[:20]:
            with self.subTest(" ".join(flags_of(*self.asked[int(one["id"])]))):
                self.fail(f"{one['kind']} {one['name']}: {one['message']}")
        self.assertEqual(len(refused), 0)
        counted = collections.Counter(one["id"] for one in self.verdicts)
        self.assertEqual(set(counted), set(self.texts), "a manifest without a document")
        self.assertGreater(len(self.texts), len(self.asked) / 6)
        print(f"{len(self.asked)} manifests asked for, {len(self.texts)} written with"
              f" {len(self.verdicts)} objects, all accepted; for {len(self.asked) - len(self.texts)}"
              " a sentence says why there is none")

    def test_every_shape_has_manifests(self):
        begin = len(self.measured)
        written = collections.Counter(one[0] for number, one in enumerate(self.shaped, begin)
                                      if str(number) in self.texts)
        for setup in shaped():
            self.assertGreater(written[setup], 0, flags_of(setup, {}))

    def test_what_has_no_manifest_has_a_reason(self):
        for one, done in zip(self.asked, self.answers):
            if done.returncode != 0:
                with self.subTest(" ".join(flags_of(*one))):
                    self.assertIn(done.returncode, (1, 2, 3, 4, 5))
                    self.assertRegex(done.stderr, r"\w+ \w+")
                    self.assertEqual(done.stdout, "")

    def test_every_pair_of_options_was_asked_for(self):
        pairs = collections.Counter()
        singles = collections.defaultdict(set)
        for setup, choice in self.measured:
            pairs.update(itertools.combinations(sorted(choice.items()), 2))
            singles[setup].update(choice.items())
        for (one, first), (two, second) in itertools.combinations(OPTIONS.items(), 2):
            for a, b in itertools.product(range(len(first)), range(len(second))):
                key = tuple(sorted(((one, a), (two, b))))
                self.assertGreater(pairs[key], 0, key)
        everything = {(name, number) for name, values in OPTIONS.items() for number in range(len(values))}
        for setup, seen in singles.items():
            self.assertEqual(seen, everything, setup)

    def test_one_mistake_in_them_is_refused(self):
        draw = random.Random(SEED)
        documents = [document for key in draw.sample(sorted(self.texts), 40)
                     for document in yaml.safe_load_all(self.texts[key]) if document]
        made = {f"{number}: {name}": (document, says) for number, (name, _, document, says)
                in enumerate(mutants.mutants(documents, SEED, 20, mutants.MISTAKES))}
        self.assertEqual({key.partition(": ")[2] for key in made}, set(mutants.MISTAKES))
        for one in self.cluster.dry_run({key: yaml.safe_dump(made[key][0]) for key in made}):
            with self.subTest(one["id"], kind=one["kind"]):
                self.assertFalse(one["accepted"])
                self.assertIn(made[one["id"]][1], one["message"])
        print(f"{len(made)} mutants by {len(mutants.MISTAKES)} mutators, all refused")

    def test_the_page_tells_what_was_done(self):
        text = self.page()
        if os.environ.get("UPDATE_GOLDEN"):
            PAGE.write_text(text, encoding="utf-8")
        self.assertEqual(without_numbers(PAGE.read_text(encoding="utf-8")), without_numbers(text),
                         f"UPDATE_GOLDEN=1 {__file__} rewrites it")

    def page(self):
        sets = collections.defaultdict(collections.Counter)
        kinds = collections.Counter()
        for one in self.verdicts:
            setup = self.asked[int(one["id"])][0]
            row = sets[(setup[1], family(setup[3]))]
            row[one["id"]] += 1
            kinds[one["kind"]] += 1
            row["kinds " + one["kind"].split()[1]] += 1
        definers = {group: f"definition of {module.removeprefix('github.com/')} {version}"
                    for module, version, _, files in control_plane.definitions()
                    for group in {group_of(file) for file in files}}
        out = [HEAD.format(release=control_plane.release().removeprefix("v"))]
        out.append("| server | accelerators | manifests | objects | kinds |\n|---|---|---|---|---|\n")
        for (server, accelerators), row in sorted(sets.items()):
            ids = [key for key in row if key.isdigit()]
            names = sorted(key.removeprefix("kinds ") for key in row if key.startswith("kinds "))
            out.append(f"| {server} | {accelerators} | {len(ids)} |"
                       f" {sum(row[key] for key in ids)} | {', '.join(names)} |\n")
        out.append(f"\nIn all {len(self.texts)} manifests with {len(self.verdicts)} objects, every one"
                   f" accepted; {len(self.asked) - len(self.texts)} more were asked for and answered with"
                   " the reason why there is none, such as a model that does not fit.\n")
        out.append("\nThe options, each value with each measured setup and each pair of values with some:\n\n"
                   "| option | values |\n|---|---|\n")
        for name, values in OPTIONS.items():
            said = ", ".join(f"`{' '.join(value)}`" if value else "none" for value in values)
            out.append(f"| {name} | {said} |\n")
        out.append("\nBeside the measured setups, these shapes, each value of every option with each:\n\n"
                   "| model | server | accelerator | flags |\n|---|---|---|---|\n")
        for model, server, version, accelerator, flags in shaped():
            said = f"`{' '.join(flags)}`" if flags else "none"
            out.append(f"| {model} | {server} {version} | {accelerator} | {said} |\n".replace("  ", " "))
        out.append("\n## Kinds and who validates them\n\n| kind | validated by | objects |\n|---|---|---|\n")
        for kind, count in sorted(kinds.items()):
            group = kind.split()[0].rpartition("/")[0]
            out.append(f"| {kind} | {BUILT_IN.get(group) or definers[group]} | {count} |\n")
        written = {kind.split()[0].rpartition("/")[0] for kind in kinds}
        for group, definer in sorted(definers.items()):
            if group not in written:
                out.append(f"| {group} | {definer} | not written yet |\n")
        for kind, why in NOT_VALIDATED.items():
            out.append(f"| {kind} | nothing: {why} | {self.left[kind] or 'not written yet'} |\n")
        out.append(TAIL)
        # The rest is test_doctor.py's.
        _, header, theirs = PAGE.read_text(encoding="utf-8").partition(DOCTOR)
        return "".join(out) + header + theirs


def family(accelerator):
    return accelerator.partition("-")[0]


def group_of(file):
    """The API group of a definition, from the name its project gave the file."""
    name = pathlib.Path(file).name
    return name.partition("_")[0] if "_" in name else "serving.knative.dev"


def without_numbers(text):
    """What the page says, whatever the catalog counts today."""
    return re.sub(r"(?<=[| ])\d+(?= )", "N", text)


HEAD = """# Manifests on a real API server

`manifests create` is asked for every setup of the catalog with every pair of options, and for every
version of a server on four accelerators. Each object that comes out is created on a real Kubernetes API
server {release} with `dryRun=All&fieldValidation=Strict`, which is what `kubectl apply --dry-run=server
--validate=strict` asks: unknown and repeated fields, types, quantities, names, selectors, probes, limits
and every other rule of the server, and the schemas and CEL rules of custom resources. `cluster.all`, a
test, does that in every run of all tests, and wrote this page.

## Variants

"""
DOCTOR = "\n## Doctor against the server\n"
TAIL = """
The LeaderWorkerSet project's own controller and webhooks run in the test too, so these objects are held
to what their operator refuses. The operators of the other custom resources do not run: a rule that only
their webhooks know is not checked. A Service of Cloud Run is held to Knative's definition; which of its
annotations and GPUs Cloud Run takes, nothing here knows. The server looks at each object alone, so it does not notice that a
Secret, a claim or a port that another object names is not there.

`tests/cluster/mistakes.yaml` holds what the same server refuses, with its words, and what it accepts
although it is wrong.
"""

if __name__ == "__main__":
    unittest.main()
