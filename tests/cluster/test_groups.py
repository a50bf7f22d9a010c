"""A replica on several hosts, as `kneepoint manifests create` writes it: its group appears, and the
autoscaler that comes with it asks for another."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml

import control_plane

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
NAMESPACE = "hosts"
NAME = "deepseek-r1-vllm-hosts"


class Groups(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()
        cls.cluster.kubectl("create", "namespace", NAMESPACE)
        cls.addClassCleanup(cls.cluster.kubectl, "delete", "namespace", NAMESPACE, "--wait=false")
        cls.cluster.wait("the account of the namespace", lambda: cls.get("serviceaccount", "default"))
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [PROGRAM, "manifests", "create", "--model=deepseek-ai/DeepSeek-R1", "--model-server=vllm",
                 "--model-server-version=0.19.0", "--accelerator-type=nvidia-h100-80gb", "--provider=any",
                 "--accelerators-per-replica=16", "--autoscaler=hpa-stackdriver", "--hpa-signal=queue",
                 f"--namespace={NAMESPACE}", "--output=manifest"],
                env={"HOME": home, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
        cls.documents = {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}
        cls.cluster.apply(*cls.documents.values())

    @classmethod
    def get(cls, *arguments):
        return cls.cluster.get(f"--namespace={NAMESPACE}", *arguments)

    def test_the_group_appears_and_its_leader_alone_is_served(self):
        def running():
            pods = self.get("pods")["items"]
            return {one["metadata"]["name"]: one for one in pods if one["status"]["phase"] == "Running"}

        pods = self.cluster.wait("two pods", lambda: (lambda found: len(found) >= 2 and found)(running()))
        self.assertLessEqual({NAME + "-0", NAME + "-0-1"}, set(pods))
        # Eight of the nodes' eight accelerators each, so the two are on two machines.
        self.assertEqual({pods[name]["spec"]["nodeName"] for name in (NAME + "-0", NAME + "-0-1")},
                         {"h100-0", "h100-1"})
        selector = self.documents["Service"]["spec"]["selector"]
        chosen = [name for name, pod in pods.items()
                  if selector.items() <= pod["metadata"]["labels"].items()]
        self.assertEqual(chosen, [NAME + "-0"])
        worker = pods[NAME + "-0-1"]["spec"]["containers"][0]
        names = [one["name"] for one in worker["env"]]
        # Arguments name these variables, and only those before them are put in.
        for needed in ("LWS_LEADER_ADDRESS", "LWS_GROUP_SIZE", "LWS_WORKER_INDEX"):
            self.assertIn(needed, names)
            self.assertIn(f"$({needed})", " ".join(worker["args"]))

    def test_then_its_autoscaler_asks_for_another_group(self):
        scaler = self.documents["HorizontalPodAutoscaler"]
        metric = scaler["spec"]["metrics"][0]["pods"]
        target = int(metric["target"]["averageValue"])
        self.cluster.wait("the set's scale", lambda: self.get("leaderworkerset", NAME)["status"].get(
            "replicas") == 1)
        self.cluster.report({f"{NAMESPACE}/{metric['metric']['name']}": 2 * target})
        self.cluster.wait("two groups asked for", lambda: self.get(
            "leaderworkerset", NAME)["spec"]["replicas"] == 2, 90)


if __name__ == "__main__":
    unittest.main()
