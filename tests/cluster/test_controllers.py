"""The controllers do what they do in a cluster: pods come, become ready late or never, groups of pods
appear, and an autoscaler changes their number."""

import copy
import unittest

import yaml

import control_plane
import test_mistakes

GOOD = test_mistakes.GOOD


def deployment(name, namespace, annotations=(), replicas=2, **selector):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas, "progressDeadlineSeconds": 3, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": dict(annotations)},
                "spec": {"nodeSelector": selector or {"kubernetes.io/os": "linux"},
                         "containers": [{"name": "server", "image": "registry.test/server:1"}]}}}}


class Controllers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()

    def setUp(self):
        # A namespace for each test: what one leaves behind is not seen by the next.
        self.namespace = self.id().rpartition(".")[2].replace("_", "-")[:60].rstrip("-")
        self.cluster.kubectl("create", "namespace", self.namespace)
        self.cluster.wait("the account of the namespace", lambda: self.get("serviceaccount", "default"))

    def get(self, *arguments):
        return self.cluster.get(f"--namespace={self.namespace}", *arguments)

    def condition(self, kind, name, wanted):
        for one in self.get(kind, name).get("status", {}).get("conditions", []):
            if one["type"] == wanted:
                return one
        return {"status": "Unknown"}

    def test_a_deployment_becomes_ready(self):
        self.cluster.apply(deployment("ready", self.namespace))
        self.cluster.wait("two ready pods", lambda: self.get("deployment", "ready")["status"].get(
            "readyReplicas") == 2)
        self.assertEqual(self.condition("deployment", "ready", "Available")["status"], "True")

    def test_pods_that_load_are_not_ready_until_then(self):
        self.cluster.apply(deployment("late", self.namespace,
                                      {"kneepoint.test/starts-after": "1s", "kneepoint.test/ready-after": "2s"}))
        seen = set()

        def look():
            for pod in self.get("pods")["items"]:
                ready = [one["status"] for one in pod["status"].get("conditions", []) if one["type"] == "Ready"]
                seen.add((pod["status"]["phase"], (ready or ["none"])[0]))
            return ("Running", "True") in seen

        self.cluster.wait("ready pods", look)
        self.assertIn("Pending", {phase for phase, _ in seen})
        self.assertIn(("Running", "False"), seen)

    def test_pods_that_crash_say_so(self):
        self.cluster.apply(deployment("crashing", self.namespace, {"kneepoint.test/crashes": "true"}))
        waiting = self.cluster.wait("a crash", lambda: [
            one["state"]["waiting"] for pod in self.get("pods")["items"]
            for one in pod["status"].get("containerStatuses", []) if "waiting" in one["state"]])
        self.assertEqual(waiting[0]["reason"], "CrashLoopBackOff")
        progressing = self.cluster.wait("the end of patience", lambda: (
            lambda one: one["status"] == "False" and one)(
                self.condition("deployment", "crashing", "Progressing")))
        self.assertEqual(progressing["reason"], "ProgressDeadlineExceeded")

    def test_pods_that_fit_nowhere_say_so(self):
        self.cluster.apply(deployment("nowhere", self.namespace,
                                      **{"cloud.google.com/gke-accelerator": "nvidia-b200"}))
        said = self.cluster.wait("the scheduler's word", lambda: [
            one["message"] for pod in self.get("pods")["items"]
            for one in pod["status"].get("conditions", []) if one["type"] == "PodScheduled"])
        self.assertIn("node(s) didn't match", said[0])

    def test_an_indexed_job_runs_to_its_end(self):
        job = copy.deepcopy(GOOD["job"])
        job["metadata"]["namespace"] = self.namespace
        self.cluster.apply(job)
        self.cluster.wait("three successes", lambda: self.get("job", "sweep")["status"].get("succeeded") == 3)

    def test_an_autoscaler_follows_a_metric_of_pods(self):
        scaler = copy.deepcopy(GOOD["hpa"])
        scaler["metadata"]["namespace"] = self.namespace
        del scaler["spec"]["behavior"]
        self.cluster.apply(deployment("chat", self.namespace, replicas=1), scaler)
        metric = scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
        self.cluster.report({f"{self.namespace}/{metric}": 24 * 3})
        self.cluster.wait("three replicas", lambda: self.get("deployment", "chat")["status"].get(
            "readyReplicas") == 3)

    def test_a_group_appears_and_its_autoscaler_adds_another(self):
        groups = copy.deepcopy(GOOD["leaderworkerset"])
        groups["metadata"]["namespace"] = self.namespace
        template = groups["spec"]["leaderWorkerTemplate"]
        template["size"] = 3
        for part in ("leaderTemplate", "workerTemplate"):
            template[part]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "4"}}
        self.cluster.apply(groups)
        self.cluster.wait("the group", lambda: self.condition(
            "leaderworkerset", "large", "Available")["status"] == "True")
        pods = {pod["metadata"]["name"]: pod for pod in self.get("pods")["items"]}
        self.assertEqual(sorted(pods), ["large-0", "large-0-1", "large-0-2"])
        worker = {one["name"]: one.get("value") for one in pods["large-0-1"]["spec"]["containers"][0]["env"]}
        self.assertEqual(worker["LWS_LEADER_ADDRESS"], f"large-0.large.{self.namespace}")
        self.assertEqual(worker["LWS_GROUP_SIZE"], "3")

        # The selector of the scale names leaders alone: one pod of each group is what reports.
        scale = yaml.safe_load(self.cluster.kubectl(
            "get", "--raw", f"/apis/leaderworkerset.x-k8s.io/v1/namespaces/{self.namespace}"
            "/leaderworkersets/large/scale"))
        self.assertEqual(scale["spec"]["replicas"], 1)
        self.assertIn("leaderworkerset.sigs.k8s.io/worker-index=0", scale["status"]["selector"])
        scaler = copy.deepcopy(GOOD["hpa"])
        scaler["metadata"]["namespace"] = self.namespace
        scaler["spec"]["scaleTargetRef"] = {
            "apiVersion": groups["apiVersion"], "kind": groups["kind"], "name": "large"}
        del scaler["spec"]["behavior"]
        metric = scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
        self.cluster.report({f"{self.namespace}/{metric}": 24 * 2})
        self.cluster.apply(scaler)
        self.cluster.wait("six pods in two groups", lambda: sum(
            pod["status"]["phase"] == "Running" for pod in self.get("pods")["items"]) == 6)
        self.assertEqual(self.get("leaderworkerset", "large")["spec"]["replicas"], 2)


if __name__ == "__main__":
    unittest.main()
