"""`kneepoint bench sweep --in-cluster` against the real control plane.

Real: every object and every answer of the API server, the scheduler, the Job and volume controllers, kubectl,
`kubectl logs` through the API server, the load generator's own process with the command line and environment
of its pod, its volume, the load it puts on the emulator, and every kill. Played: the node, which runs that
process without an image (played_node.py), and the cluster's DNS."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import control_plane
import played_node
import test_controllers
import together

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("KNEEPOINT") or str(ROOT / "build" / "dev" / "kneepoint")
QUICK = ["--least-time=2s", "--point-time=3s"]
LONG = ["--least-time=7s", "--point-time=8s"]  # so that it is still going on when something is killed
SMALL = ["--most-points=5", "--highest=16", "--until-confident=50",
         "--input-tokens=16", "--output-tokens=8", "--seed=1", "--model=emulated"]
TOKEN = "only-the-secret-has-this"


def folder_of(text):
    return pathlib.Path(next(line for line in text.splitlines() if line.startswith("run kept in")).split()[3]
                        .rstrip(";"))


def points_of(folder):
    lines = (folder / "run.log").read_text(encoding="utf-8").splitlines()[1:]
    return [line for line in lines if line.split(" ")[3] == "point"]


class ClusterSweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()
        cls.node = played_node.PlayedNode(cls.cluster, {"kneepoint": PROGRAM})
        cls.addClassCleanup(cls.node.stop)
        cls.cluster.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                           "metadata": {"name": "played"}, "provisioner": "kubernetes.io/no-provisioner"})
        cls.server = subprocess.Popen([PROGRAM, "emulate", "--port=0", "--timing=scripted", "--ttft=300ms", "--itl=20ms"],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        cls.addClassCleanup(cls.server.stdout.close)
        cls.addClassCleanup(cls.server.wait)
        cls.addClassCleanup(cls.server.terminate)
        cls.port = int(cls.server.stdout.readline().strip().rpartition(":")[2].split("/")[0])

    def setUp(self):
        self.namespace = self.id().rpartition(".")[2].replace("_", "-")[:50].rstrip("-")
        home = tempfile.TemporaryDirectory(prefix="kp-sweep-")
        self.addCleanup(home.cleanup)
        self.home = pathlib.Path(home.name)
        self.cluster.namespace(self.namespace, **{"pod-security.kubernetes.io/enforce": "restricted"})
        self.addCleanup(self.cluster.drop_namespace, self.namespace)
        disk = self.home / "disk"
        disk.mkdir()
        self.cluster.apply({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": self.namespace},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                     "storageClassName": "played", "persistentVolumeReclaimPolicy": "Retain",
                     "claimRef": {"namespace": self.namespace, "name": "sweep-chat-run"},
                     "hostPath": {"path": str(disk)}}})
        self.addCleanup(lambda: self.cluster.kubectl("delete", "persistentvolume", self.namespace, "--wait=false"))
        self.cluster.apply({"apiVersion": "v1", "kind": "Service",
                            "metadata": {"name": "chat", "namespace": self.namespace},
                            "spec": {"selector": {"app": "chat"}, "ports": [{"name": "http", "port": 8000}]}})
        self.node.route(f"chat.{self.namespace}.svc:8000", self.port)

    def get(self, *arguments):
        return self.cluster.get(f"--namespace={self.namespace}", *arguments)

    def made(self):
        """What is there of a sweep's objects."""
        kinds = "jobs,persistentvolumeclaims,configmaps,pods"
        return sorted(f"{one['kind']}/{one['metadata']['name']}" for one in self.get(kinds)["items"]
                      if one["metadata"]["name"].startswith(("sweep", "kneepoint")))

    def start(self, *arguments, times=QUICK):
        words = [PROGRAM, "bench", "sweep", "--in-cluster", "--service=chat", "--storage-class=played",
                 "--node-selector=kneepoint.test/node=played", f"--namespace={self.namespace}", *SMALL, *times, *arguments]
        environment = {**self.cluster.environment(), "HOME": str(self.home),
                       "KNEEPOINT_STORE": str(self.home / "store.db")}
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=environment)

    def end(self, program, status=0):
        out, said = program.communicate(timeout=180)
        self.assertEqual(program.returncode, status, out + said)
        return out, said

    def sweep(self, *arguments, status=0, times=QUICK):
        return self.end(self.start(*arguments, times=times), status)

    def folder(self):
        folders = list((self.home / ".local/share/kneepoint/runs").iterdir())
        self.assertEqual(len(folders), 1)
        return folders[0]

    def until_points(self, program, count):
        """The folder here, once it holds so many load points."""
        def look():
            if program.poll() is not None:
                self.fail("".join(program.communicate()))
            folders = list((self.home / ".local/share/kneepoint/runs").glob("*/run.log"))
            return folders and len(points_of(folders[0].parent)) >= count and folders[0].parent
        return self.cluster.wait(f"{count} load points", look, 120)

    def pod(self):
        return self.cluster.wait("the pod", lambda: [
            one["metadata"]["name"] for one in self.cluster.api.ask(
                "GET", f"/api/v1/namespaces/{self.namespace}/pods")["items"]
            if one["status"].get("phase") == "Running" and "deletionTimestamp" not in one["metadata"]])[0]

    def test_a_sweep_runs_in_the_cluster_and_leaves_its_profile_here(self):
        self.cluster.kubectl("create", "secret", "generic", "chat-key", f"--from-literal=token={TOKEN}",
                             f"--namespace={self.namespace}")
        program = self.start("--token-secret=chat-key:token", "--accelerator=nvidia-l4", "--format=json")
        folder = self.until_points(program, 1)
        pod = self.get("pod", self.pod())
        self.assertEqual(pod["spec"]["nodeName"], self.node.name)
        self.assertNotIn(TOKEN, json.dumps(self.get("all,configmaps")))
        self.assertEqual(pod["spec"]["containers"][0]["env"][1]["valueFrom"],
                         {"secretKeyRef": {"name": "chat-key", "key": "token"}})
        out, said = self.end(program)
        report = json.loads(out)
        self.assertEqual(len(report["points"]), len(points_of(folder)))
        self.assertGreaterEqual(len(report["points"]), 4)
        self.assertIn("running on played-0", said)
        self.assertIn("profile run-", said)
        self.assertNotIn(TOKEN, out + said + (folder / "run.log").read_text(encoding="utf-8"))
        self.assertEqual(self.made(), [])
        # The volume held the same run, byte for byte.
        self.assertEqual((self.home / "disk" / folder.name / "run.log").read_bytes(), (folder / "run.log").read_bytes())
        told = subprocess.run(
            [PROGRAM, "profiles", "list", "--model=emulated", "--format=json"], capture_output=True, text=True,
            check=True, env={**os.environ, "HOME": str(self.home),
                             "KNEEPOINT_STORE": str(self.home / "store.db")})
        self.assertIn("run-", told.stdout)

    def test_a_client_that_dies_is_followed_by_another(self):
        program = self.start(times=LONG)
        folder = self.until_points(program, 1)
        program.kill()
        program.communicate()
        first = points_of(folder)
        uid = self.get("job", "sweep-chat")["metadata"]["uid"]
        _, said = self.sweep(times=LONG)
        self.assertIn("going on with", said)
        self.assertEqual(self.folder(), folder)
        self.assertEqual(points_of(folder)[:len(first)], first)
        self.assertEqual(self.made(), [])
        self.assertTrue(uid)

    def test_a_pod_that_dies_is_followed_by_another(self):
        program = self.start(times=LONG)
        folder = self.until_points(program, 1)
        first = points_of(folder)
        self.node.kill(f"{self.namespace}/{self.pod()}")
        self.end(program)
        points = points_of(folder)
        self.assertEqual(points[:len(first)], first)
        self.assertGreaterEqual(len(points), 4)
        self.assertEqual(self.made(), [])

    def test_a_pod_without_a_volume_begins_where_the_client_is(self):
        program = self.start("--run-volume=pod", times=LONG)
        folder = self.until_points(program, 2)
        first = points_of(folder)
        self.cluster.kubectl("delete", "pod", self.pod(), f"--namespace={self.namespace}", "--wait=false")
        self.end(program)
        self.assertEqual(points_of(folder)[:len(first)], first)
        self.assertEqual(self.made(), [])

    def test_a_job_that_is_removed_is_made_anew(self):
        program = self.start(times=LONG)
        folder = self.until_points(program, 1)
        first = points_of(folder)
        self.cluster.kubectl("delete", "job", "sweep-chat", f"--namespace={self.namespace}")
        _, said = self.end(program, status=7)
        self.assertIn("was removed", said)
        # Here everything is lost too: the claim has it.
        (folder / "run.log").unlink()
        folder.rmdir()
        self.sweep(times=LONG)
        self.assertEqual(self.folder(), folder)
        self.assertEqual(points_of(folder)[:len(first)], first)
        self.assertEqual(self.made(), [])

    def test_what_the_volume_lost_is_brought_back(self):
        program = self.start("--keep-job", times=LONG)
        folder = self.until_points(program, 2)
        program.send_signal(signal.SIGINT)
        _, said = self.end(program, status=130)
        self.assertIn("it goes on in the cluster", said)
        self.cluster.kubectl("delete", "job,persistentvolumeclaim,configmap", "--all",
                             f"--namespace={self.namespace}")
        first = points_of(folder)
        self.sweep("--run-volume=pod", f"--run={folder}", times=LONG)
        self.assertEqual(points_of(folder)[:len(first)], first)

    def test_it_is_not_mixed_with_another_sweep(self):
        program = self.start(times=LONG)
        self.until_points(program, 1)
        program.kill()
        program.communicate()
        _, said = self.sweep("--seed=2", status=5, times=LONG)
        self.assertIn("begun with other flags", said)
        self.cluster.kubectl("delete", "job", "sweep-chat", f"--namespace={self.namespace}")
        self.cluster.kubectl("create", "job", "sweep-chat", "--image=registry.test/other:1",
                             f"--namespace={self.namespace}")
        _, said = self.sweep(status=5, times=LONG)
        self.assertIn("made by somebody else", said)
        done = subprocess.run([PROGRAM, "undeploy", "sweep-chat", "--yes", f"--namespace={self.namespace}"],
                              capture_output=True, text=True, check=False, env=self.cluster.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([one for one in self.made() if not one.startswith("Pod/")], ["Job/sweep-chat"])

    def test_an_image_that_cannot_be_pulled_is_told(self):
        _, said = self.sweep("--image=" + played_node.ABSENT_IMAGE, status=7)
        self.assertIn("ImagePullBackOff", said)
        self.assertIn("--image", said)

    def test_a_server_that_is_not_there_is_told(self):
        _, said = self.sweep("--url=http://nobody.nowhere.svc:80", "--job-name=sweep-nobody",
                             "--run-volume=pod", status=7)
        self.assertIn("failed", said)
        self.assertIn("502", said)

    def test_nothing_happens_in_a_dry_run(self):
        out, _ = self.sweep("--dry-run", "--node-selector=pool=load")
        self.assertEqual(self.made(), [])
        self.assertFalse((self.home / ".local/share/kneepoint/runs").exists())
        verdicts = self.cluster.dry_run({"sweep": out})
        self.assertEqual([(one["kind"], one["accepted"]) for one in verdicts],
                         [("v1 ConfigMap", True), ("v1 PersistentVolumeClaim", True), ("batch/v1 Job", True)],
                         verdicts)
        checked = subprocess.run([PROGRAM, "doctor", "-", "--as=manifest", "--severity=error"], input=out,
                                 capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_a_deployment_says_what_is_measured(self):
        deployment = test_controllers.deployment("chat", self.namespace, replicas=1)
        pod = deployment["spec"]["template"]["spec"]
        deployment["spec"]["template"]["metadata"]["labels"] = {"app": "chat"}
        pod["nodeSelector"] = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
        pod["containers"] = [{"name": "server", "image": "vllm/vllm-openai:v0.10.0",
                              "args": ["--model=google/gemma-2-9b-it", "--served-model-name=gemma"],
                              "resources": {"limits": {"nvidia.com/gpu": "1"}}}]
        self.cluster.kubectl("label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce-")
        self.cluster.apply(deployment)
        words = [PROGRAM, "bench", "sweep", "--in-cluster", "--deployment=chat", "--dry-run",
                 f"--namespace={self.namespace}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False,
                              env={**self.cluster.environment(), "HOME": str(self.home)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"gemma on http://chat.{self.namespace}.svc:8000", done.stdout)

    def test_secrets_and_files_of_this_machine_stay_here(self):
        for flag in ("--token-env=HOME", "--token-file=/etc/hostname", "--header-file=/etc/hostname"):
            _, said = self.sweep(flag, status=2)
            self.assertIn("does not go with --in-cluster", said)
        self.assertEqual(self.made(), [])


def load_tests(_loader, tests, _pattern):
    return together.suite(tests)


if __name__ == "__main__":
    unittest.main()
