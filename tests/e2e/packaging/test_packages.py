"""The Debian package and the OCI image: what is in them, that the image has the same bytes when it is made
again, and that the server runs in it and in nothing else.

KP_PACKAGE names a .deb (cpack --config build/release/CPackConfig.cmake). The image is made here with
tools/oci-image, which needs mmdebstrap and the machine's Debian sources.
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = os.environ.get("KP_PACKAGE")
DATE = "1763683200"


def make_image(into):
    subprocess.run([ROOT / "tools" / "oci-image", f"--package={PACKAGE}", f"--output={into}"], check=True,
                   capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": DATE})


def blob(layout, what):
    content = (layout / "blobs" / "sha256" / what["digest"].partition(":")[2]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == what["digest"].partition(":")[2]
    assert len(content) == what["size"]
    return content


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@unittest.skipUnless(PACKAGE, "KP_PACKAGE names the package")
class Package(unittest.TestCase):
    def field(self, name):
        return subprocess.run(["dpkg-deb", "--field", PACKAGE, name], check=True, capture_output=True,
                              text=True).stdout

    def test_it_depends_on_what_its_programs_and_modules_load(self):
        depends = self.field("Depends")
        for library in ("libc6", "libssl3", "libpq5", "libsqlite3-0", "libgrpc++1.51", "libboost-json1.81.0"):
            self.assertIn(library + " ", depends)

    def test_it_holds_a_whole_tree(self):
        names = subprocess.run(["dpkg-deb", "--contents", PACKAGE], check=True, capture_output=True,
                               text=True).stdout
        for name in ("usr/bin/kneepoint", "usr/bin/kneepoint-serve", "usr/lib/kneepoint/kneepoint-store-sqlite.so",
                     "usr/lib/kneepoint/kneepoint-store-postgres.so", "usr/share/kneepoint/kneepoint.catalog",
                     "usr/lib/systemd/system/kneepoint.service", "etc/default/kneepoint"):
            self.assertRegex(names, rf"root/root .* \./{re.escape(name)}\n")
        self.assertNotRegex(names, r"^[d-].......w")  # nothing that everybody may write

    def test_the_service_is_one_that_systemd_reads(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "--extract", PACKAGE, folder], check=True)
            unit = pathlib.Path(folder, "usr/lib/systemd/system/kneepoint.service").read_text()
        self.assertIn("ExecStart=/usr/bin/kneepoint serve", unit)
        self.assertIn("DynamicUser=yes", unit)


@unittest.skipUnless(PACKAGE, "KP_PACKAGE names the package")
class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="kneepoint-image-test-")
        top = pathlib.Path(cls.folder.name)
        cls.layout = top / "image"
        make_image(cls.layout)
        index = json.loads((cls.layout / "index.json").read_text())
        cls.manifest = json.loads(blob(cls.layout, index["manifests"][0]))
        cls.config = json.loads(blob(cls.layout, cls.manifest["config"]))
        cls.root = top / "root"
        cls.root.mkdir()
        for one in cls.manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(blob(cls.layout, one))) as tar:
                tar.extractall(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_its_layers_are_what_its_configuration_says(self):
        raw = [hashlib.sha256(gzip.decompress(blob(self.layout, one))).hexdigest()
               for one in self.manifest["layers"]]
        self.assertEqual(["sha256:" + one for one in raw], self.config["rootfs"]["diff_ids"])

    def test_it_has_the_same_bytes_when_it_is_made_again(self):
        again = self.layout.with_name("again")
        make_image(again)
        self.assertEqual((again / "index.json").read_text(), (self.layout / "index.json").read_text())

    def test_it_holds_no_shell_and_runs_as_nobody(self):
        programs = sorted(path.name for folder in ("bin", "sbin", "usr/bin", "usr/sbin")
                          for path in (self.root / folder).glob("*"))
        self.assertEqual(programs, ["kneepoint", "kneepoint-serve"])
        self.assertEqual(self.config["config"]["User"], "65532:65532")
        self.assertIn(b"BEGIN CERTIFICATE", (self.root / "etc/ssl/certs/ca-certificates.crt").read_bytes())

    def start(self, *flags):
        """The image's program with its user and its files alone."""
        user = self.config["config"]["User"].partition(":")[0]
        home = self.root / "home/kneepoint"
        if os.getuid() == 0:
            os.chown(home, int(user), int(user))
            command = ["/usr/sbin/chroot", f"--userspec={user}:{user}", self.root]
        else:
            command = ["unshare", "--map-root-user", "/usr/sbin/chroot", self.root]
        environment = dict(one.split("=", 1) for one in self.config["config"]["Env"])
        return subprocess.Popen([*command, *self.config["config"]["Entrypoint"], *flags], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_the_server_runs_in_it(self):
        port = free_port()
        tokens = self.root / "home/kneepoint/tokens"
        tokens.write_text("test read 0123456789abcdef0123\n")
        tokens.chmod(0o600)
        if os.getuid() == 0:
            os.chown(tokens, 65532, 65532)
        process = self.start("serve", f"--http=0.0.0.0:{port}", "--grpc=off",
                             "--token-file=/home/kneepoint/tokens")
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        base = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while True:
            self.assertIsNone(process.poll(), "it ended")
            try:
                if get(base + "/readyz")[0] == 200:
                    break
            except OSError:
                pass
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        self.assertEqual(get(base + "/v1/models:fetch")[0], 401)
        status, models = get(base + "/v1/models:fetch", "0123456789abcdef0123")
        self.assertEqual(status, 200, models)
        self.assertIn(b"meta-llama/", models)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_it_starts_nowhere_but_on_loopback_without_a_token(self):
        process = self.start("serve", "--http=0.0.0.0:0", "--grpc=off")
        self.assertNotEqual(process.wait(30), 0)
        self.assertIn("--token-file", process.stdout.read())
        process.stdout.close()


if __name__ == "__main__":
    unittest.main()
