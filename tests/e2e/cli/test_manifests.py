"""Manifests of the program: what parses, what each version gets, what hostile words can do."""

import json
import re
import shlex
import unittest

import support
from support import GPT, LLAMA, Case

SMALL = "meta-llama/Llama-3.1-8B-Instruct"


def shape(value):
    """The structure of a document without its texts."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def texts(value):
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


class Made(Case):
    def make(self, *arguments, model=SMALL, server="vllm", accelerator="nvidia-h100-80gb"):
        flags = [f"--model={model}", f"--accelerator-type={accelerator}"]
        if server:
            flags.append(f"--model-server={server}")
        return self.good("manifests", "create", *flags, *arguments)

    def deployment(self, text):
        found = [one for one in support.documents(text) if one["kind"] == "Deployment"]
        self.assertEqual(len(found), 1)
        return found[0]

    def container(self, text):
        return self.deployment(text)["spec"]["template"]["spec"]["containers"][0]


class Parses(Made):
    def test_the_issues_example(self):
        text = self.make(model=GPT)
        documents = support.documents(text)
        self.assertEqual([one["kind"] for one in documents],
                         ["Deployment", "Service", "PodMonitoring"])
        self.assertTrue(self.container(text)["image"].startswith("vllm/vllm-openai:"))
        self.assertNotIn("nothing was measured", text)
        profile = re.search(r"Chosen from profile (\S+):", text)[1]
        row = next(row for row in support.table("profiles") if row["id"] == profile)
        self.assertEqual((row["model"], row["model_server"], row["accelerator"]),
                         (GPT, "vllm", "nvidia-h100-80gb"))
        self.assertEqual(self.container(text)["resources"]["limits"]["nvidia.com/gpu"],
                         row["accelerator_count"])

    def test_selectors_ports_and_limits_agree(self):
        for model, server, accelerator in (
                (GPT, "vllm", "nvidia-h100-80gb"), (LLAMA, "sglang", "nvidia-h200-141gb"),
                (SMALL, "tensorrt-llm", "nvidia-h100-80gb"), (SMALL, "sglang", "nvidia-l4")):
            documents = support.documents(self.make(model=model, server=server,
                                                    accelerator=accelerator))
            deployment = documents[0]
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            ports = {port["name"] for port in
                     deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
            self.assertLessEqual(deployment["spec"]["selector"]["matchLabels"].items(),
                                 labels.items())
            for one in documents:
                if one["kind"] == "Service":
                    self.assertLessEqual(one["spec"]["selector"].items(), labels.items())
                    self.assertIn(one["spec"]["ports"][0]["targetPort"], ports)
                if one["kind"] == "PodMonitoring":
                    self.assertIn(one["spec"]["endpoints"][0]["port"], ports)
            resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
            self.assertEqual(resources["requests"]["nvidia.com/gpu"],
                             resources["limits"]["nvidia.com/gpu"])

    def test_without_a_server_the_best_one_is_taken_and_named(self):
        for model, accelerator in ((GPT, "nvidia-h200-141gb"), (LLAMA, "nvidia-h100-80gb")):
            flags = [f"--model={model}", f"--accelerator-type={accelerator}"]
            best = self.json("recommend", *flags, "--use-case=chat", "--limit=1",
                             "--pricing-model=spot")["choices"][0]["modelServerInfo"]["modelServer"]
            done = self.run_program("manifests", "create", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"no --model-server given: {best} is the best measured", done.stderr)
            self.assertIn(f"no --model-server given: {best} is the best measured", done.stdout)
            self.assertIn(f"-{best.replace('+', '-')}-deployment", done.stdout)

    def test_the_replicas_are_those_of_the_recommendation(self):
        flags = [f"--model={LLAMA}", "--model-server=vllm", "--accelerator-type=nvidia-h100-80gb",
                 "--expected-load=40", "--min-available", "--use-case=chat",
                 "--pricing-model=on-demand"]
        wanted = self.json("recommend", *flags)["choices"][0]["kneepoint"]["replicas"]
        self.assertGreater(wanted, 2)
        text = self.good("manifests", "create", *flags)
        self.assertEqual(self.deployment(text)["spec"]["replicas"], wanted)

    def test_the_namespace_is_everywhere(self):
        for one in support.documents(self.make("--namespace=serving-7")):
            self.assertEqual(one["metadata"]["namespace"], "serving-7")

    def test_no_token_is_held(self):
        text = self.make()
        token = [entry for entry in self.container(text)["env"] if entry["name"] == "HF_TOKEN"][0]
        self.assertNotIn("value", token)
        self.assertIn("secretKeyRef", token["valueFrom"])
        self.assertNotRegex(text, r"hf_[A-Za-z0-9]{20,}")

    def test_a_target_out_of_reach_is_said(self):
        done = self.run_program("manifests", "create", f"--model={LLAMA}", "--model-server=vllm",
                                "--accelerator-type=nvidia-h100-80gb",
                                "--target-ttft-milliseconds=1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("best reachable", done.stdout)
        self.assertTrue(support.documents(done.stdout))

    def test_it_is_dated_by_the_clock_it_is_given_and_the_same_each_time(self):
        self.assertIn("2026-11-21", self.make())
        self.assertEqual(self.make(), self.make())


class Versions(Made):
    def test_every_version_the_catalog_names_gives_a_manifest(self):
        bare = []
        for row in support.table("server_versions"):
            if row["server"] != "vllm":
                continue
            done = self.run_program("manifests", "create", f"--model={SMALL}",
                                    "--model-server=vllm", "--accelerator-type=nvidia-h100-80gb",
                                    f"--model-server-version={row['version']}")
            if done.returncode != 0:
                self.assertEqual((done.returncode, row["image"], done.stdout), (4, "", ""),
                                 (row["version"], done.stderr))
                self.assertRegex(done.stderr, r"^kneepoint: .*image")
                bare.append(row["version"])
                continue
            deployment = self.deployment(done.stdout)
            self.assertEqual(
                deployment["metadata"]["annotations"]["kneepoint.dev/inference-server-version"],
                row["version"])
            image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            if row["image"]:
                self.assertEqual(image, row["image"])
        self.assertLessEqual(len(bare), 3, bare)

    def test_every_version_with_a_curve_gives_a_manifest_for_its_model(self):
        pairs = sorted({(row["model"], row["model_server_version"], row["accelerator"])
                        for row in support.table("profiles") if row["model_server"] == "vllm" and
                        row["kind"] == "serving" and row["accelerator"].startswith("nvidia-") and
                        row["model_server_version"]})
        versions = {}
        for model, version, accelerator in pairs:
            versions.setdefault(version, []).append((model, accelerator))
        for version, where in sorted(versions.items()):
            said = []
            for model, accelerator in where:
                done = self.run_program("manifests", "create", f"--model={model}",
                                        "--model-server=vllm", f"--accelerator-type={accelerator}",
                                        f"--model-server-version={version}")
                if done.returncode == 0:
                    self.assertTrue(support.documents(done.stdout))
                    break
                said.append(done.stderr)
            else:
                self.assertTrue(any(re.search("image|no_data|unknown_size", text) for text in said),
                                (version, said))

    def test_an_old_version_has_its_own_flags_and_metric_names(self):
        old = self.make("--model-server-version=v0.7.2")
        new = self.make("--model-server-version=0.18.0")
        self.assertEqual(self.container(old)["image"], "vllm/vllm-openai:v0.7.2")
        self.assertTrue(any(arg.startswith("--swap-space=") for arg in self.container(old)["args"]))
        self.assertIn("--disable-log-requests", self.container(old)["args"])
        for flag in ("--swap-space", "--disable-log-requests"):
            self.assertFalse(any(arg.startswith(flag) for arg in self.container(new)["args"]))
        self.assertIn("vllm:gpu_cache_usage_perc", old)
        self.assertNotIn("vllm:kv_cache_usage_perc", old)
        self.assertIn("vllm:kv_cache_usage_perc", new)
        self.assertNotIn("vllm:gpu_cache_usage_perc", new)

    def test_the_v_in_front_of_a_version_makes_no_difference(self):
        self.assertEqual(self.make("--model-server-version=v0.7.2", "--output=manifest"),
                         self.make("--model-server-version=0.7.2", "--output=manifest"))
        self.assertEqual(self.make("--model-server-version=v0.18.0", model=GPT),
                         self.make("--model-server-version=0.18.0", model=GPT))

    def test_what_needs_a_curve_says_no_data(self):
        flags = [f"--model={SMALL}", "--accelerator-type=nvidia-l4", "--model-server=vllm",
                 "--model-server-version=v0.7.2"]
        text = self.good("manifests", "create", *flags)
        self.assertTrue(support.documents(text))
        self.assertRegex(text, r"no latency or throughput is known|nothing was measured")

    def test_a_model_nobody_measured_here_gets_the_fewest_accelerators_that_hold_it(self):
        text = self.make(model="deepseek-ai/DeepSeek-R1-0528", server="vllm",
                         accelerator="nvidia-h200-141gb")
        self.assertIn(self.container(text)["resources"]["limits"]["nvidia.com/gpu"],
                      ("4", "8"))

    def test_what_does_not_fit_is_refused_with_the_bytes(self):
        said = self.refused(4, "manifests", "create", "--model=deepseek-ai/DeepSeek-R1-0528",
                            "--model-server=vllm", "--accelerator-type=nvidia-l4")
        self.assertIn("does_not_fit", said)
        self.assertIn("GiB", said)


class Autoscaled(Made):
    """An autoscaler where a target or a flag asks for one, and the reason where there is none."""

    PATHS = {"hpa-stackdriver": ("PodMonitoring", "HorizontalPodAutoscaler"),
             "keda": ("PodMonitor", "ScaledObject"),
             "prometheus-adapter": ("PodMonitor", "HorizontalPodAutoscaler")}

    def scaled(self, *arguments, model=LLAMA):
        text = self.make(*arguments, model=model)
        return text, support.documents(text)

    def test_each_path_has_its_objects(self):
        for path, kinds in self.PATHS.items():
            text, documents = self.scaled(f"--autoscaler={path}")
            self.assertEqual([one["kind"] for one in documents], ["Deployment", "Service", *kinds])
            self.assertEqual(documents[-1]["spec"]["scaleTargetRef"]["name"],
                             documents[0]["metadata"]["name"])
            self.assertRegex(text, r"# Autoscaling: .*; 1 to \d+ replicas, 1 at first\n")
            self.assertRegex(text, r"(?m)^#   (kubectl apply|helm upgrade) ")

    def test_a_latency_target_implies_one_and_takes_running_requests(self):
        text, documents = self.scaled("--target-ttft-milliseconds=300")
        self.assertEqual(documents[-1]["kind"], "HorizontalPodAutoscaler")
        pods = documents[-1]["spec"]["metrics"][0]["pods"]
        self.assertEqual(pods["metric"]["name"],
                         "prometheus.googleapis.com|vllm:num_requests_running|gauge")
        said = re.search(r"# Target: (\S+) vllm:num_requests_running: (\S+) at the operating point "
                         r"\(.*\) less (\S+) %", text)
        self.assertIsNotNone(said, text)
        self.assertEqual(pods["target"]["averageValue"], said[1])
        milli = int(said[1][:-1]) / 1000 if said[1].endswith("m") else int(said[1])
        exact = float(said[2]) * (1 - float(said[3]) / 100)
        self.assertLessEqual(milli, exact + 0.1)
        self.assertGreater(milli, exact - 1.1)
        _, documents = self.scaled("--target-ttft-milliseconds=300", "--autoscaler=none")
        self.assertEqual([one["kind"] for one in documents],
                         ["Deployment", "Service", "PodMonitoring"])

    def test_without_a_target_the_queue_is_followed(self):
        for arguments in (("--autoscaler=hpa-stackdriver",), ("--max-replicas=9",)):
            _, documents = self.scaled(*arguments)
            self.assertIn("num_requests_waiting",
                          documents[-1]["spec"]["metrics"][0]["pods"]["metric"]["name"])

    def test_a_target_out_of_reach_has_none_and_the_reason(self):
        for arguments in ((), ("--autoscaler=keda",)):
            text, documents = self.scaled("--target-ttft-milliseconds=1", *arguments)
            self.assertEqual([one["kind"] for one in documents],
                             ["Deployment", "Service", "PodMonitoring"])
            self.assertRegex(text, r"# No autoscaler: no profile here meets TTFT p50 <= 1 ms.*best")

    def test_a_target_above_everything_is_tuned_for_throughput(self):
        text, documents = self.scaled("--target-ttft-milliseconds=9999999")
        self.assertIn("num_requests_waiting",
                      documents[-1]["spec"]["metrics"][0]["pods"]["metric"]["name"])
        self.assertIn("is above all latencies of the curve", text)

    def test_the_load_expected_is_there_at_first(self):
        flags = ["--expected-load=40", "--autoscaler=hpa-stackdriver"]
        text, documents = self.scaled(*flags)
        replicas = documents[0]["spec"]["replicas"]
        self.assertGreater(replicas, 1)
        self.assertGreaterEqual(documents[-1]["spec"]["maxReplicas"], 2 * replicas)
        text, documents = self.scaled(*flags, "--max-replicas=1")
        self.assertEqual(documents[0]["spec"]["replicas"], 1)
        self.assertIn("WARNING: the load expected needs", text)

    def test_the_metric_is_that_of_the_version(self):
        for version, series in (("0.7.2", "vllm:gpu_cache_usage_perc"),
                                ("0.18.0", "vllm:kv_cache_usage_perc")):
            _, documents = self.scaled("--hpa-signal=kv", f"--model-server-version={version}",
                                       model=SMALL)
            self.assertEqual(documents[-1]["spec"]["metrics"][0]["pods"]["metric"]["name"],
                             f"prometheus.googleapis.com|{series}|gauge")

    def test_a_load_that_doubles_is_served_in_a_stated_time(self):
        text, _ = self.scaled("--target-ttft-milliseconds=300")
        self.assertRegex(text, r"a load that doubles (has its \d+ replicas after \d+ s|is served)")

    def test_what_cannot_be_is_refused(self):
        base = ["manifests", "create", f"--model={LLAMA}", "--model-server=vllm",
                "--accelerator-type=nvidia-h100-80gb"]
        for flags in (["--min-replicas=3", "--max-replicas=2"], ["--max-replicas=0"],
                      ["--autoscaler=vpa"], ["--hpa-signal=gpu"], ["--prometheus-url=http://x:9090"],
                      ["--autoscaler=keda", "--prometheus-url=x y"]):
            self.refused(2, *base, *flags)

    def test_the_same_bytes_each_time(self):
        for path in self.PATHS:
            flags = (f"--autoscaler={path}", "--target-ttft-milliseconds=300")
            self.assertEqual(self.make(*flags, model=LLAMA), self.make(*flags, model=LLAMA))

    def test_hostile_words_never_change_the_structure(self):
        for path, kinds in self.PATHS.items():
            for flag in ("--namespace", "--prometheus-url", "--model-server-version",
                         "--max-replicas", "--hpa-signal"):
                if flag == "--prometheus-url" and path == "hpa-stackdriver":
                    continue
                for word in Hostile.WORDS:
                    value = f"http://{word}" if flag == "--prometheus-url" else word
                    done = self.run_program("manifests", "create", f"--model={SMALL}",
                                            "--model-server=vllm", f"--autoscaler={path}",
                                            "--accelerator-type=nvidia-h100-80gb",
                                            f"{flag}={value}")
                    if done.returncode != 0:
                        self.assertIn(done.returncode, (2, 3, 4), (word, done.stderr))
                        self.assertEqual(done.stdout, "")
                        continue
                    self.assertEqual([one["kind"] for one in support.documents(done.stdout)],
                                     ["Deployment", "Service", *kinds], (flag, word))
                    for line in done.stdout.split("\n# Generated", 1)[1].splitlines()[1:]:
                        self.assertTrue(line.startswith("#"), (word, line))
        self.assertFalse((self.home / "owned").exists())


class FromABucket(Made):
    def test_the_weights_are_mounted_and_no_token_is_asked_for(self):
        text = self.make("--model-bucket-uri=gs://models-of-ours/llama")
        self.assertEqual([one["kind"] for one in support.documents(text)],
                         ["ServiceAccount", "Deployment", "Service", "PodMonitoring"])
        pod = self.deployment(text)["spec"]["template"]
        self.assertEqual(pod["metadata"]["annotations"]["gke-gcsfuse/volumes"], "true")
        mounted = pod["spec"]["volumes"][-1]["csi"]["volumeAttributes"]
        self.assertEqual(mounted["bucketName"], "models-of-ours")
        self.assertIn("only-dir:llama", mounted["mountOptions"].split(","))
        self.assertEqual([entry["name"] for entry in self.container(text)["env"]], ["MODEL_ID"])
        self.assertIn("roles/storage.objectViewer", text)
        self.assertNotIn("HF_TOKEN", text)

    def test_hostile_uris_are_refused(self):
        for word in Hostile.WORDS:
            for uri in (word, f"gs://{word}", f"gs://bucket/{word}"):
                done = self.run_program("manifests", "create", f"--model={SMALL}",
                                        "--model-server=vllm", f"--model-bucket-uri={uri}",
                                        "--accelerator-type=nvidia-h100-80gb")
                if done.returncode == 0:  # some words are names of folders
                    self.assertRegex(uri, r"^gs://[a-z0-9._-]+(/[A-Za-z0-9._-]+)?$")
                    continue
                self.assertEqual((done.returncode, done.stdout), (2, ""), (uri, done.stderr))


class Hostile(Made):
    WORDS = ['"quoted"', "it's", "{a: b}", "[1, 2]", "- item", "# comment", "&anchor", "*alias",
             "!!python/object:os.system", "key: value", "|", ">", "%TAG", "@at", "`tick`", "---",
             "null", "true", "1e3", "~", "$(touch owned)", "a\nb: c", "a\n---\nkind: Secret",
             "\u2028x", "\u202eabc", "\u00fc\u2603", "x" * 300, "a\\nb", "\ttab", "$HOME;rm -rf"]

    def check(self, arguments_for):
        """Refused in one sentence, or the same structure with the word as a value."""
        wanted = [shape(one) for one in support.documents(self.make("--output=manifest"))]
        for word in self.WORDS:
            done = self.run_program("manifests", "create", *arguments_for(word))
            if done.returncode != 0:
                self.assertIn(done.returncode, (2, 3, 4), (word, done.stderr))
                self.assertEqual(done.stdout, "")
                self.assertEqual(len([line for line in done.stderr.splitlines()
                                      if line.startswith("kneepoint: ")]), 1, done.stderr)
                continue
            documents = support.documents(done.stdout)
            self.assertEqual([one["kind"] for one in documents],
                             ["Deployment", "Service", "PodMonitoring"], word)
            self.assertEqual([sorted(one) for one in documents],
                             [sorted(one) for one in wanted], word)
            for line in done.stdout.split("\n# Generated", 1)[1].splitlines()[1:]:
                self.assertTrue(line.startswith("#"), (word, line))
        self.assertFalse((self.home / "owned").exists())

    def test_in_each_flag(self):
        base = {"--model": SMALL, "--model-server": "vllm",
                "--accelerator-type": "nvidia-h100-80gb"}
        for flag in ("--namespace", "--model-server-version", "--model-server", "--model",
                     "--accelerator-type", "--instance-type", "--use-case", "--serving-stack",
                     "--serving-stack-version", "--image", "--exclusive-topology", "--gguf"):
            self.check(lambda word, flag=flag:
                       [f"{name}={value}" for name, value in {**base, flag: word}.items()])

    def test_in_the_catalog(self):
        version = {"server": "vllm", "version": "9.9.9", "channel": "custom", "source": "ours",
                   "as_of": "2026-11-01", "confidence": "sourced"}
        wanted = [shape(one) for one in support.documents(self.make("--output=manifest"))]
        for word in self.WORDS:
            folder = self.folder("hostile", server_versions=[
                {**version, "image": f"example.com/{word}", "note": word}])
            done = self.run_program("manifests", "create", f"--model={SMALL}",
                                    "--model-server=vllm", "--accelerator-type=nvidia-h100-80gb",
                                    "--model-server-version=9.9.9", f"--catalog={folder}")
            if done.returncode != 0:
                self.assertIn(done.returncode, (2, 4), (word, done.stderr))
                self.assertEqual(done.stdout, "")
                continue
            documents = support.documents(done.stdout)
            self.assertEqual([one["kind"] for one in documents],
                             ["Deployment", "Service", "PodMonitoring"], word)
            container = documents[0]["spec"]["template"]["spec"]["containers"][0]
            self.assertEqual(container["image"], f"example.com/{word}", word)
            self.assertEqual(shape(documents[1]), wanted[1], word)


class Delivered(Made):
    """Platforms, places of the weights, and the folder that a set is written to."""

    L4 = ("--accelerator-type=nvidia-l4",)
    HOSTILE = (
        (("--storage=volume",), "--storage-class={}"),
        (("--model-bucket-uri=gs://models/a",), "--cluster-version={}"),
        (("--storage=runai-streamer",), "--model-bucket-uri=gs://{}"),
        (("--storage=runai-streamer",), "--model-bucket-uri=s3://models/{}"),
        (("--model-bucket-uri=gs://models/a",), "--xla-cache-uri=gs://{}"),
        (("--platform=cloud-run", "--storage=image"), "--model-image={}"),
        (("--platform=cloud-run",), "--network={}"),
        (("--platform=cloud-run",), "--network=default/{}"),
        (("--platform=eks",), "--namespace={}"),
    )

    def test_hostile_words_are_refused_or_stay_values(self):
        for flags, last in self.HOSTILE:
            for word in Hostile.WORDS:
                done = self.run_program("manifests", "create", f"--model={SMALL}",
                                        "--model-server=vllm", *self.L4, *flags, last.format(word))
                with self.subTest(flag=last, word=word):
                    if done.returncode != 0:
                        self.assertIn(done.returncode, (2, 3, 4), done.stderr)
                        self.assertEqual(done.stdout, "")
                        continue
                    for one in support.documents(done.stdout):
                        self.assertIn(one["kind"], ("Deployment", "Service", "PodMonitoring", "Job",
                                                    "PodMonitor", "PersistentVolumeClaim",
                                                    "ServiceAccount"))
                    for line in done.stdout.split("\n# Generated", 1)[1].splitlines()[1:]:
                        self.assertTrue(line.startswith("#"), line)
        self.assertFalse((self.home / "owned").exists())

    def test_commands_in_comments_are_words_that_a_shell_can_read(self):
        for flags in (("--platform=cloud-run", "--model-bucket-uri=gs://models/a"),
                      ("--platform=eks",), ("--platform=aks",), ("--platform=kubernetes",),
                      ("--storage=hyperdisk-ml",),
                      ("--storage=runai-streamer", "--model-bucket-uri=gs://models/a",
                       "--fill-bucket")):
            text = self.good("manifests", "create", f"--model={SMALL}", "--model-server=vllm",
                             *self.L4, *flags, "--output=comments")
            commands = [line[4:] for line in text.splitlines()
                        if re.match(r"#   (kubectl|gcloud|aws|az|eksctl|helm|printf|curl) ", line)]
            self.assertGreater(len(commands), 4, flags)
            for command in commands:
                self.assertTrue(shlex.split(command), command)

    def test_an_edited_base_is_not_overwritten(self):
        folder = self.home / "kept"
        flags = ("--model-server=vllm", *self.L4, f"--model={SMALL}", f"--output-dir={folder}")
        self.good("manifests", "create", *flags)
        overlay = folder / "overlays" / "production" / "kustomization.yaml"
        overlay.write_text("mine\n")
        done = self.run_program("manifests", "create", *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("kept overlays/production/kustomization.yaml", done.stderr)
        self.assertEqual(overlay.read_text(), "mine\n")
        service = folder / "base" / "service.yaml"
        service.write_text(service.read_text() + "# mine\n")
        done = self.run_program("manifests", "create", *flags)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("base/service.yaml", done.stderr)
        self.assertTrue(service.read_text().endswith("# mine\n"))
        self.good("manifests", "create", *flags, "--force")
        self.assertFalse(service.read_text().endswith("# mine\n"))

    def test_what_is_written_beside_the_base_can_be_printed(self):
        flags = ("manifests", "create", f"--model={SMALL}", "--model-server=vllm", *self.L4)
        board = json.loads(self.good(*flags, "--output=dashboard"))
        self.assertGreater(len(board["panels"]), 8)
        rules = support.documents(self.good(*flags, "--output=alerts"))
        self.assertEqual([one["kind"] for one in rules], ["Rules"])
        places = json.loads(self.good(*flags, "--output=storage"))
        self.assertEqual(sum(one["chosen"] for one in places), 1)
        for one in places:
            self.assertTrue(one["start_evidence"] and one["usd_evidence"], one)


class Kustomized(Made):
    def test_the_base_holds_what_is_printed(self):
        folder = self.home / "deploy"
        flags = ("--target-ttft-milliseconds=300", "--namespace=serving-7")
        said = self.make(*flags, f"--output-dir={folder}", model=LLAMA)
        self.assertIn(str(folder), said)
        printed = support.documents(self.make(*flags, model=LLAMA))
        base = support.documents((folder / "base" / "kustomization.yaml").read_text())[0]
        written = [support.documents((folder / "base" / name).read_text())[0]
                   for name in base["resources"]]
        self.assertEqual(written, printed)
        self.assertEqual(sorted(path.name for path in (folder / "overlays").iterdir()),
                         ["production", "trial"])
        self.assertTrue((folder / "NOTES.txt").read_text().startswith("# Generated on "))

    def test_a_folder_that_cannot_be_made_is_said(self):
        said = self.refused(3, "manifests", "create", f"--model={SMALL}", "--model-server=vllm",
                            "--accelerator-type=nvidia-h100-80gb", "--output-dir=/proc/nowhere")
        self.assertIn("/proc/nowhere", said)
        self.refused(2, "manifests", "create", f"--model={SMALL}", "--model-server=vllm",
                     "--accelerator-type=nvidia-h100-80gb", "--output-dir=a", "--output-path=b")


class Files(Made):
    def test_a_file_that_cannot_be_written_is_said_and_nothing_is_left(self):
        said = self.refused(3, "manifests", "create", f"--model={SMALL}", "--model-server=vllm",
                            "--accelerator-type=nvidia-h100-80gb",
                            "--output-path=/nowhere/deploy.yaml")
        self.assertIn("/nowhere/deploy.yaml", said)

    def test_a_refused_manifest_leaves_an_older_file_as_it_was(self):
        target = self.home / "deploy.yaml"
        target.write_text("mine\n", encoding="utf-8")
        self.refused(4, "manifests", "create", "--model=deepseek-ai/DeepSeek-R1-0528",
                     "--model-server=vllm", "--accelerator-type=nvidia-l4",
                     f"--output-path={target}")
        self.assertEqual(target.read_text(encoding="utf-8"), "mine\n")


if __name__ == "__main__":
    unittest.main()
