"""`kneepoint manifests serve`: a real API server takes the set, the pods start, what guards them holds."""

import itertools
import os
import pathlib
import subprocess
import unittest

import yaml

import control_plane

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
IMAGE = "--image=registry.example/kneepoint:0.1.0"

OPTIONS = {
    "tls": ((), ("--tls-secret=kneepoint-tls",)),
    "host": ((), ("--host=kneepoint.example", "--host=kp.example")),
    "storage": ((), ("--storage=500Mi", "--storage-class=fast"), ("--storage=2Ti",)),
    "name": ((), ("--name=k", "--replicas=5"), ("--name=a-name-that-is-longer-than-forty-characters-are",)),
    "mode": ((), ("--read-only",), ("--postgres-image=registry.example:5000/postgres@sha256:" + "0" * 64,)),
}


def made(*flags):
    return subprocess.run([PROGRAM, "manifests", "serve", IMAGE, *flags], check=True, text=True,
                          capture_output=True).stdout


class ServeSet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()

    def test_every_pair_of_options_is_accepted(self):
        texts = {}
        for one, two in itertools.combinations(OPTIONS, 2):
            for first, second in itertools.product(OPTIONS[one], OPTIONS[two]):
                flags = (*first, *second)
                done = subprocess.run([PROGRAM, "manifests", "serve", IMAGE, *flags], text=True,
                                      capture_output=True)
                if OPTIONS["name"][2][0] in flags:
                    self.assertEqual(done.returncode, 2, flags)
                    self.assertIn("--name", done.stderr)
                    continue
                self.assertEqual(done.returncode, 0, (flags, done.stderr))
                texts[" ".join(flags) or "none"] = done.stdout
        self.assertGreater(len(texts), 20)
        verdicts = self.cluster.dry_run(texts)
        self.assertEqual(len(verdicts), 8 * len(texts))
        for one in verdicts:
            with self.subTest(one["id"], kind=one["kind"]):
                self.assertTrue(one["accepted"], one.get("message"))

    def test_the_pods_start(self):
        self.cluster.kubectl("create", "namespace", "serve-set")
        self.addCleanup(self.cluster.kubectl, "delete", "namespace", "serve-set", "--wait=false")
        for document in yaml.safe_load_all(made("--namespace=serve-set", "--replicas=3")):
            self.cluster.apply(document)

        def ready():
            server = self.cluster.get("deployment", "kneepoint", "--namespace=serve-set")
            database = self.cluster.get("statefulset", "kneepoint-postgres", "--namespace=serve-set")
            return (server.get("status", {}).get("readyReplicas") == 3
                    and database.get("status", {}).get("replicas") == 1)
        self.cluster.wait("three servers and a database", ready)

    def test_nothing_secret_and_nothing_root(self):
        for document in yaml.safe_load_all(made("--tls-secret=t")):
            self.assertNotEqual(document["kind"], "Secret")
            pod = document.get("spec", {}).get("template", {}).get("spec")
            if not pod:
                continue
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertFalse(pod["automountServiceAccountToken"])
            for container in pod["containers"]:
                self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
                for key in ("startupProbe", "readinessProbe", "livenessProbe"):
                    self.assertIn(key, container)


if __name__ == "__main__":
    unittest.main()
