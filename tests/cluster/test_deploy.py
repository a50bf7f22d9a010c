"""`kneepoint deploy`, `status` and `undeploy` against the real control plane: what they change, what they
leave alone, and what they say of pods that start late, crash or fit nowhere."""

import copy
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import urllib.request

import control_plane
import test_controllers
import test_mistakes
import together

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("KNEEPOINT") or str(ROOT / "build" / "dev" / "kneepoint")
GENERATED = ["--model=google/gemma-2-9b-it", "--model-server=vllm", "--accelerator-type=nvidia-l4"]


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()
        cls.home = tempfile.TemporaryDirectory(prefix="kp-deploy-")
        cls.addClassCleanup(cls.home.cleanup)

    def setUp(self):
        self.namespace = self.id().rpartition(".")[2].replace("_", "-")[:60].rstrip("-")
        self.cluster.namespace(self.namespace)
        self.addCleanup(self.cluster.drop_namespace, self.namespace)

    def get(self, *arguments):
        return self.cluster.get(f"--namespace={self.namespace}", *arguments)

    def kubectl(self, *arguments, **more):
        return self.cluster.kubectl(f"--namespace={self.namespace}", *arguments, **more)

    def environment(self):
        return {**self.cluster.environment(), "HOME": self.home.name,
                "KNEEPOINT_STORE": os.path.join(self.home.name, "store.db")}

    def run_program(self, *arguments, text=None, status=0, env=None, space=True):
        words = [PROGRAM, *map(str, arguments)] + ([f"--namespace={self.namespace}"] if space else [])
        done = subprocess.run(words, input=text or "", capture_output=True, text=True, check=False,
                              timeout=300, env=env or self.environment())
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def deploy(self, objects, *arguments, status=0, **more):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        done = self.run_program("deploy", "--filename=-", "--yes", "--no-smoke", "--output=json", *arguments,
                                text=text, status=status, **more)
        return json.loads(done.stdout) if done.stdout else done

    def chat(self, annotations=(), **more):
        return test_controllers.deployment("chat", self.namespace, annotations, **more)

    def service(self):
        return {"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "chat", "namespace": self.namespace},
                "spec": {"selector": {"app": "chat"}, "ports": [{"name": "http", "port": 8000}]}}

    def everything(self):
        """All objects of the namespace that a deployment may leave behind."""
        kinds = ("deployments,replicasets,pods,services,configmaps,horizontalpodautoscalers,"
                 "podmonitorings.monitoring.googleapis.com")
        return sorted(f"{one['kind']}/{one['metadata']['name']}" for one in self.get(kinds)["items"])

    def test_a_deployment_comes_is_shown_and_goes(self):
        before = self.everything()
        first = self.run_program("deploy", *GENERATED, "--autoscaler=hpa-stackdriver", "--yes", "--no-smoke")
        self.assertIn("+ Deployment gemma-2-9b-it-vllm-deployment", first.stdout)
        self.assertIn("gemma-2-9b-it-vllm is ready", first.stdout)
        self.assertIn("1 of 1 ready", first.stderr)
        self.assertIn("Secret hf-secret with key hf_api_token is not in namespace", first.stderr)
        live = self.get("deployment", "gemma-2-9b-it-vllm-deployment")
        self.assertEqual(live["metadata"]["labels"]["kneepoint.dev/set"], "gemma-2-9b-it-vllm")
        self.assertEqual(live["metadata"]["labels"]["app.kubernetes.io/managed-by"], "kneepoint")

        generation = live["metadata"]["generation"]
        again = self.run_program("deploy", *GENERATED, "--autoscaler=hpa-stackdriver", "--yes")
        self.assertIn("nothing was changed", again.stdout)
        self.assertEqual(self.get("deployment", "gemma-2-9b-it-vllm-deployment")["metadata"]["generation"],
                         generation)
        self.run_program("manifests", "diff", *GENERATED, "--autoscaler=hpa-stackdriver")

        told = json.loads(self.run_program("status", "--output=json", "--no-measure").stdout)
        one, = told["deployments"]
        self.assertTrue(told["ready"])
        self.assertEqual(one["name"], "gemma-2-9b-it-vllm")
        self.assertEqual(one["autoscalers"][0]["maxReplicas"], 5)
        self.assertEqual(one["autoscalers"][0]["metrics"][0]["series"], "vllm:num_requests_waiting")
        self.assertGreater(one["promised"]["outputTokensPerSecond"], 0)
        self.assertTrue(any("sum by (pod) (vllm:num_requests_waiting{" in query for query in one["queries"]))

        self.run_program("undeploy", "gemma-2-9b-it-vllm", "--yes")
        self.assertEqual(self.everything(), before)
        self.run_program("undeploy", "gemma-2-9b-it-vllm", "--yes", status=3)

    def test_fields_of_others_survive(self):
        self.deploy([self.chat(), self.service()])
        self.kubectl("annotate", "deployment/chat", "team=search")
        self.kubectl("scale", "deployment/chat", "--replicas=3")
        changed = self.chat()
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.test/server:2"
        told = self.deploy([changed, self.service()])
        self.assertEqual([one["action"] for one in told["objects"]], ["change", "same"])
        self.assertEqual([one["path"] for one in told["objects"][0]["changes"]],
                         ["spec.template.spec.containers[server].image"])
        self.assertTrue(any("3 replicas" in note and "stay" in note for note in told["notes"]), told["notes"])
        live = self.get("deployment", "chat")
        self.assertEqual(live["spec"]["replicas"], 3)
        self.assertEqual(live["metadata"]["annotations"]["team"], "search")
        self.assertEqual(self.deploy([changed, self.service()])["unchanged"], True)

        # A field that somebody else gave another value is theirs: it is said whose, and nothing changes.
        self.kubectl("set", "image", "deployment/chat", "server=registry.test/server:3")
        refused = self.run_program("deploy", "--filename=-", "--yes", text=json.dumps(changed), status=5)
        self.assertIn(".image", refused.stderr)
        self.assertIn("kubectl", refused.stderr)
        self.assertEqual(self.get("deployment", "chat")["spec"]["template"]["spec"]["containers"][0]["image"],
                         "registry.test/server:3")

    def test_what_was_there_before_stays(self):
        self.cluster.apply(self.service())
        before = self.get("service", "chat")
        told = self.deploy([self.chat(), self.service()])
        self.assertEqual({one["kind"]: one["action"] for one in told["objects"]},
                         {"Deployment": "create", "Service": "leave"})
        self.run_program("undeploy", "chat", "--yes")
        self.assertEqual(self.get("service", "chat"), before)

        # One that differs is not changed either: nothing at all is applied.
        other = self.service()
        other["spec"]["ports"][0]["port"] = 9000
        refused = self.run_program("deploy", "--filename=-", "--yes", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": [self.chat(), other]}), status=5)
        self.assertIn("Service chat", refused.stderr)
        self.assertEqual(self.get("deployments")["items"], [])
        self.assertEqual(self.get("service", "chat"), before)

    def test_what_was_made_anew_by_others_is_theirs(self):
        self.deploy([self.chat(), self.service()])
        # With our labels on it, but not ours: it has another uid.
        copy = self.get("service", "chat")
        self.kubectl("delete", "service", "chat")
        for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
            copy["metadata"].pop(key, None)
        copy["spec"].pop("clusterIP"), copy["spec"].pop("clusterIPs")
        self.kubectl("create", "--filename=-", text=json.dumps(copy))
        done = self.run_program("undeploy", "chat", "--yes")
        self.assertIn("Service chat is somebody else's now", done.stderr)
        self.assertEqual([one["metadata"]["name"] for one in self.get("services")["items"]], ["chat"])
        self.assertEqual(self.get("deployments")["items"], [])

    def test_an_object_that_is_not_asked_for_any_more_goes(self):
        self.deploy([self.chat(), self.service()])
        told = self.deploy([self.chat()])
        self.assertEqual([one["action"] for one in told["objects"]], ["same", "remove"])
        self.assertEqual(self.get("services")["items"], [])

    def test_pods_that_start_late_are_waited_for(self):
        began = time.monotonic()
        done = self.run_program("deploy", "--filename=-", "--yes", "--no-smoke", text=json.dumps(self.chat(
            {"kneepoint.test/starts-after": "5s", "kneepoint.test/ready-after": "8s"})))
        self.assertGreater(time.monotonic() - began, 12)
        self.assertIn("pulling the image", done.stderr)
        self.assertIn("loading, not ready yet", done.stderr)
        self.assertIn("2 of 2 ready", done.stderr)

    def test_pods_that_take_too_long_are_reported(self):
        told = self.deploy([self.chat({"kneepoint.test/ready-after": "60s"})], "--timeout=3", status=7)
        self.assertEqual(told["outcome"], "failed")
        self.assertEqual(told["failure"]["kind"], "timeout")
        self.assertIn("loading", told["failure"]["message"])
        self.run_program("status", "--no-measure", status=1)

    def test_pods_that_crash_are_reported(self):
        told = self.deploy([self.chat({"kneepoint.test/crashes": "true"})], status=7)
        self.assertEqual(told["failure"]["kind"], "crash")
        self.assertEqual(told["failure"]["reason"], "CrashLoopBackOff")
        self.assertIn("exit code 1", told["failure"]["message"])
        self.run_program("undeploy", "chat", "--yes")
        self.assertEqual(self.get("pods")["items"], [])

    def test_pods_that_fit_nowhere_are_reported(self):
        told = self.deploy([self.chat(**{"cloud.google.com/gke-accelerator": "nvidia-b200"})],
                           "--unscheduled-timeout=2", status=4)
        self.assertEqual(told["failure"]["kind"], "never-fits")
        self.assertIn("didn't match", told["failure"]["message"])
        self.assertIn("selector", [one["id"] for one in told["failure"]["findings"]])

    def test_an_image_that_cannot_be_pulled_is_reported(self):
        self.cluster.apply(self.chat({"kneepoint.test/starts-after": "600s"}, replicas=1))
        pod = self.cluster.wait("the pod", lambda: self.get("pods")["items"])[0]["metadata"]["name"]
        self.kubectl("delete", "deployment", "chat", "--wait=false")
        program = subprocess.Popen(
            [PROGRAM, "deploy", "--filename=-", "--yes", "--no-smoke", "--output=json", "--name=pull",
             f"--namespace={self.namespace}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment())
        late = self.chat({"kneepoint.test/starts-after": "600s"}, replicas=1)
        late["metadata"]["name"] = "pull"
        program.stdin.write(json.dumps(late))
        program.stdin.close()
        program.stdin = None
        name = self.cluster.wait("the new pod", lambda: [
            one["metadata"]["name"] for one in self.get("pods")["items"]
            if one["metadata"]["name"].startswith("pull-") and one["spec"].get("nodeName")])[0]
        self.assertNotEqual(name, pod)
        self.kubectl("patch", "pod", name, "--subresource=status", "--type=merge", "--patch", json.dumps(
            {"status": {"containerStatuses": [{
                "name": "server", "image": "registry.test/server:1", "imageID": "", "ready": False,
                "restartCount": 0, "state": {"waiting": {
                    "reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}}))
        out, errors = program.communicate(timeout=60)
        self.assertEqual(program.returncode, 7, errors)
        told = json.loads(out)
        self.assertEqual(told["failure"]["kind"], "image")
        self.assertIn("image-pull", [one["id"] for one in told["failure"]["findings"]])

    def test_a_quota_that_forbids_pods_is_reported(self):
        self.kubectl("create", "quota", "none", "--hard=pods=0")
        told = self.deploy([self.chat()], status=4)
        self.assertEqual(told["failure"]["kind"], "quota")
        self.assertIn("exceeded quota", told["failure"]["message"])

    def test_a_kind_the_cluster_does_not_have(self):
        odd = {"apiVersion": "odd.test/v1", "kind": "Odd", "metadata": {"name": "odd"}}
        refused = self.run_program("deploy", "--filename=-", "--yes", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": [self.chat(), odd]}), status=4)
        self.assertIn("--skip-unknown-kinds", refused.stderr)
        told = self.deploy([self.chat(), odd], "--skip-unknown-kinds")
        self.assertEqual(len(told["leftOut"]), 1)
        self.assertEqual(told["outcome"], "ready")

    def test_nothing_happens_without_consent(self):
        refused = self.run_program("deploy", "--filename=-", text=json.dumps(self.chat()), status=2)
        self.assertIn("--yes", refused.stderr)
        self.assertEqual(self.get("deployments")["items"], [])
        self.run_program("manifests", "diff", "--filename=-", text=json.dumps(self.chat()), status=1)
        self.assertEqual(self.get("deployments")["items"], [])

    def test_mistakes_are_refused_by_the_server_before_anything_is_applied(self):
        wrong = self.chat()
        wrong["spec"]["replics"] = 2
        refused = self.run_program("deploy", "--filename=-", "--yes", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": [self.service(), wrong]}), status=2)
        self.assertRegex(refused.stderr, 'unknown field "(spec.)?replics"')
        self.assertEqual(self.get("services")["items"], [])

    def test_a_group_of_pods_comes_and_goes(self):
        groups = copy.deepcopy(test_mistakes.GOOD["leaderworkerset"])
        groups["metadata"]["namespace"] = self.namespace
        template = groups["spec"]["leaderWorkerTemplate"]
        template["size"] = 2
        for part in ("leaderTemplate", "workerTemplate"):
            template[part]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "4"}}
        told = self.deploy([groups])
        self.assertEqual(told["name"], "large")
        one, = told["workloads"]
        self.assertEqual((one["kind"], one["ready"], len(one["pods"])), ("LeaderWorkerSet", 1, 2))
        self.assertTrue(self.deploy([groups])["unchanged"])
        self.run_program("undeploy", "large", "--yes")
        self.cluster.wait("no pods", lambda: not self.get("pods")["items"])

    def test_doctor_looks_at_a_namespace(self):
        self.deploy([self.chat()])
        well = json.loads(self.run_program("doctor", "--format=json").stdout)
        self.assertEqual(well["errors"], 0)
        nowhere = self.chat(**{"cloud.google.com/gke-accelerator": "nvidia-b200"})
        nowhere["metadata"]["name"] = "nowhere"
        crashing = self.chat({"kneepoint.test/crashes": "true"}, replicas=1)
        crashing["metadata"]["name"] = "crashing"
        self.cluster.apply(nowhere, crashing)
        self.cluster.wait("the crash", lambda: "CrashLoopBackOff" in json.dumps(self.get("pods")))
        told = json.loads(self.run_program("doctor", "--format=json", status=4).stdout)
        ids = {one["id"] for one in told["findings"]}
        self.assertIn("selector", ids)
        self.assertTrue(any(one["file"].startswith("pod crashing-") and one["severity"] == "error"
                            for one in told["findings"]), told["findings"])

    def test_recommend_starts_from_what_runs(self):
        text = self.run_program("manifests", "create", *GENERATED, "--output=manifest").stdout
        self.kubectl("apply", "--filename=-", text=text)
        name = "gemma-2-9b-it-vllm-deployment"
        told = json.loads(self.run_program("recommend", f"--from-deployment={name}", "--format=json").stdout)
        self.assertEqual(told["deployment"]["model"], "google/gemma-2-9b-it")
        self.assertEqual(told["deployment"]["modelServer"], "vllm")
        self.assertEqual(told["deployment"]["acceleratorType"], "nvidia-l4")
        self.assertEqual(told["deployment"]["unknown"], [])
        self.assertIn("Now: vllm", self.run_program("recommend", f"--from-deployment={name}").stdout)
        self.cluster.apply(self.chat())
        self.run_program("recommend", "--from-deployment=chat", status=4)

    def test_without_kubectl_or_cluster_it_says_what_is_missing(self):
        none = self.environment() | {"PATH": "/nonexistent"}
        done = self.run_program("status", status=7, env=none)
        self.assertIn("is not installed", done.stderr)
        lost = self.environment() | {"KUBECONFIG": "/nonexistent"}
        done = self.run_program("status", status=7, env=lost)
        self.assertIn("kubectl knows no cluster", done.stderr)

    def emulator(self, *arguments):
        """The port of one."""
        server = subprocess.Popen([PROGRAM, "emulate", "--port=0", *arguments], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        return int(server.stdout.readline().strip().rpartition(":")[2].split("/")[0])

    def kubectl_with(self, *cases):
        """A kubectl that plays some calls and hands the rest to the real one."""
        folder = tempfile.TemporaryDirectory(prefix="kp-kubectl-")
        self.addCleanup(folder.cleanup)
        fake = pathlib.Path(folder.name, "kubectl")
        real = self.cluster.program / "kubectl"
        fake.write_text("#!/bin/sh\nREAL=" + str(real) + "\ncase \"$*\" in\n" + "\n".join(cases)
                        + "\nesac\nexec $REAL \"$@\"\n")
        fake.chmod(0o755)
        return fake

    def metrics_of(self, port):
        return (f"get*--raw=*/proxy/metrics*) exec python3 -c 'import urllib.request as u;"
                f"print(u.urlopen(\"http://127.0.0.1:{port}/metrics\").read().decode())';;")

    def test_the_smoke_request_goes_to_a_pod(self):
        # There is nothing behind the pods of this cluster: port-forward alone is played, by a kubectl
        # that hands the rest to the real one, towards the emulator.
        port = self.emulator()
        fake = self.kubectl_with(
            f"port-forward*) echo 'Forwarding from 127.0.0.1:{port} -> 8000'; exec sleep 60;;",
            self.metrics_of(port))
        served = self.chat(replicas=1)
        served["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 8000}]
        done = self.run_program("deploy", "--filename=-", "--yes", f"--kubectl={fake}", "--output=json",
                                text=json.dumps(served))
        smoke = json.loads(done.stdout)["smoke"]
        self.assertTrue(smoke["passed"], smoke)
        self.assertEqual(smoke["path"], "/v1/chat/completions")
        told = json.loads(self.run_program("status", "chat", f"--kubectl={fake}", "--window=1",
                                           "--output=json").stdout)
        measured = told["deployments"][0]["measured"]
        self.assertEqual((measured["pods"], measured["server"]), (1, "vllm"))
        self.assertEqual(measured["running"], 0)

    def test_status_proposes_a_target_from_what_it_sees_under_load(self):
        # Deployed from a profile, scaled by running requests; what serves is four times as slow as that
        # profile promises, under the load of our own generator.
        self.run_program("deploy", *GENERATED, "--target-ntpot-milliseconds=200", "--hpa-signal=running",
                         "--autoscaler=hpa-stackdriver", "--yes", "--no-smoke")
        before = json.loads(self.run_program("status", "--output=json", "--no-measure").stdout)["deployments"][0]
        promised = before["promised"]
        old = before["autoscalers"][0]["metrics"][0]["target"]
        old = float(old[:-1]) / 1000 if old.endswith("m") else float(old)
        self.assertLess(old, promised["running"])
        tpot = promised.get("tpotMs") or promised.get("itlMs")
        clients = max(2, int(promised["running"] * 0.9))
        port = self.emulator("--timing=scripted", f"--ttft={4 * promised.get('ttftMs', 100)}ms",
                             f"--itl={4 * (tpot or 50)}ms")
        load = subprocess.Popen(
            [PROGRAM, "bench", "load", f"--url=http://127.0.0.1:{port}", "--model=emulated",
             f"--workers={clients}", "--input-tokens=16", "--output-tokens=16"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment())
        self.addCleanup(load.wait)
        self.addCleanup(load.terminate)
        fake = self.kubectl_with(self.metrics_of(port))

        def level():  # the clients begin one after another
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as metrics:
                running = re.search(r"^vllm:num_requests_running\S* (\S+)", metrics.read().decode(), re.MULTILINE)
            return running and float(running.group(1)) >= clients - 1
        self.cluster.wait("the load", level)

        def proposal():
            told = json.loads(self.run_program("status", f"--kubectl={fake}", "--window=8",
                                               "--output=json").stdout)["deployments"][0]
            return "proposal" in told and told
        told = self.cluster.wait("a proposal", proposal)
        measured, made = told["measured"], told["proposal"]
        self.assertAlmostEqual(measured["running"], clients, delta=0.15 * clients + 1)
        worst = max(measured[name] / promised[name] for name in ("ttftMs", "tpotMs", "e2eMs")
                    if name in promised and name in measured)
        self.assertAlmostEqual(made["operatingPoint"], measured["running"] / worst, delta=0.1)
        self.assertAlmostEqual(made["buffer"], 1 - old / promised["running"], delta=0.001)
        self.assertEqual(made["target"], max(1, int(made["operatingPoint"] * (1 - made["buffer"]) + 0.05)))
        self.assertLess(made["target"], old)
        self.assertIn(f"{measured['running']:.1f} running requests per replica", made["why"])
        self.assertIn("was promised", made["why"])

    def test_what_is_made_anew_while_it_is_removed_stays(self):
        self.deploy([self.chat(), self.service()])
        # Between the look and the removal somebody deletes the Service and makes one of its name.
        space = f"--namespace={self.namespace}"
        fake = self.kubectl_with(
            f"delete*--raw=*/services/chat*) $REAL delete service chat {space} >&2;"
            f" $REAL create service clusterip chat --tcp=8000 {space} >&2;;")
        done = self.run_program("undeploy", "chat", "--yes", f"--kubectl={fake}")
        self.assertIn("Service chat was removed and made anew by somebody meanwhile", done.stderr)
        self.assertEqual([one["metadata"]["name"] for one in self.get("services")["items"]], ["chat"])
        self.assertEqual(self.get("deployments,pods,configmaps", "--selector=kneepoint.dev/set")["items"], [])

    def test_a_deploy_while_it_is_removed_keeps_its_list(self):
        self.deploy([self.chat(), self.service()])
        space = f"--namespace={self.namespace}"
        fake = self.kubectl_with(
            f"delete*--raw=*/services/chat*) $REAL annotate configmap kneepoint-set-chat seen=yes {space} >&2;;")
        done = self.run_program("undeploy", "chat", "--yes", f"--kubectl={fake}", status=5)
        self.assertIn("was deployed again meanwhile", done.stderr)
        self.run_program("undeploy", "chat", "--yes")

    def test_what_is_no_yaml_is_said_before_a_cluster_is_asked(self):
        lost = self.environment() | {"KUBECONFIG": "/nonexistent"}
        for verb in (("deploy", "--yes"), ("manifests", "diff")):
            done = self.run_program(*verb, "--filename=-", text="kind: [\n", status=2, env=lost)
            self.assertIn("standard input: line", done.stderr)
            self.assertIn("no YAML", done.stderr)


def load_tests(_loader, tests, _pattern):
    return together.suite(tests)


if __name__ == "__main__":
    unittest.main()
