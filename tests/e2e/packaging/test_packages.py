"""The Debian package and the OCI image: what is in them, that lintian, systemd and a fresh Debian take the
one and purge it again, that the image has the same bytes when it is made again, that tools of others read it,
and that the server runs in it and in nothing else.

`KNEEPOINT_CHECKS=package tools/release-check` makes the package and runs this. Alone: KP_PACKAGE names a .deb
(cpack --config build/release/CPackConfig.cmake). Needed are lintian, mmdebstrap, skopeo, umoci, systemd and
the machine's Debian sources.
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
import sys
import tarfile
import tempfile
import time
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
if not os.environ.get("KP_PACKAGE"):
    sys.exit("KP_PACKAGE names the .deb; `KNEEPOINT_CHECKS=package tools/release-check` makes one and runs this")
PACKAGE = pathlib.Path(os.environ["KP_PACKAGE"]).resolve(strict=True)


def make_image(into, *more):
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return subprocess.run([ROOT / "tools" / "oci-image", f"--package={PACKAGE}", f"--output={into}", *more],
                          check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


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
                     "usr/share/kneepoint/web/index.html", "usr/share/kneepoint/web/licenses.txt",
                     "usr/share/man/man1/kneepoint-serve.1.gz", "usr/share/doc/kneepoint/copyright",
                     "usr/share/doc/kneepoint/third-party/libcli11-dev",
                     "usr/lib/systemd/system/kneepoint.service", "etc/default/kneepoint"):
            self.assertRegex(names, rf"root/root .* \./{re.escape(name)}\n")
        self.assertNotRegex(names, r"^[d-].......w")  # nothing that everybody may write

    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--fail-on=error", "--no-tag-display-limit", "--allow-root", PACKAGE],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_fresh_debian_takes_it_runs_it_and_is_rid_of_it(self):
        done = subprocess.run(
            ["mmdebstrap", "--variant=apt", "--quiet", "--include=systemd", "--format=null",
             f"--customize-hook={sys.executable} {HERE / 'in_debian.py'} {PACKAGE} \"$1\"", "bookworm",
             "/dev/null"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("installed, run and purged", done.stdout + done.stderr)  # of a hook: the latter


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="kneepoint-image-test-")
        top = pathlib.Path(cls.folder.name)
        cls.layout = top / "image"
        cls.said = make_image(cls.layout, f"--archive={top / 'image.tar'}")
        print(f"made: {PACKAGE.name}, {PACKAGE.stat().st_size / 1e6:.1f} MB; {cls.said.strip()}", flush=True)
        index = json.loads((cls.layout / "index.json").read_text())
        cls.manifest = json.loads(blob(cls.layout, index["manifests"][0]))
        cls.config = json.loads(blob(cls.layout, cls.manifest["config"]))
        # By a program that is not ours; without root it maps the image's users to this one.
        rootless = [] if os.getuid() == 0 else ["--rootless"]
        subprocess.run(["umoci", "unpack", *rootless, "--image", f"{cls.layout}:{cls.tag()}", top / "bundle"],
                       check=True, capture_output=True)
        cls.root = top / "bundle" / "rootfs"

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def tag(cls):
        index = json.loads((cls.layout / "index.json").read_text())
        return index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]

    def test_tools_of_others_read_it_as_a_folder_and_as_an_archive(self):
        seen = []
        for name in (f"oci:{self.layout}:{self.tag()}", f"oci-archive:{self.layout.with_name('image.tar')}"):
            done = subprocess.run(["skopeo", "inspect", name], check=True, capture_output=True, text=True)
            seen.append(json.loads(done.stdout))
        self.assertEqual(seen[0]["Digest"], seen[1]["Digest"])
        self.assertIn(seen[0]["Digest"], self.said)
        self.assertEqual(seen[0]["Layers"], [one["digest"] for one in self.manifest["layers"]])
        self.assertEqual((seen[0]["Os"], seen[0]["Architecture"]), ("linux", self.config["architecture"]))
        # Copied, every digest is computed anew.
        subprocess.run(["skopeo", "--insecure-policy", "copy", f"oci:{self.layout}:{self.tag()}",
                        f"dir:{self.layout.with_name('copied')}"], check=True, capture_output=True)

    def test_it_says_which_packages_are_in_it(self):
        known = {}
        for path in (self.root / "var/lib/dpkg/status.d").iterdir():
            known[path.name] = re.search(r"^Version: (.+)$", path.read_text(), re.M)[1]
        for name in ("libc6", "libssl3", "libgrpc++1.51", "ca-certificates", "kneepoint"):
            self.assertIn(name, known)
            self.assertTrue((self.root / "usr/share/doc" / name / "copyright").exists(), name)

    def test_its_layers_are_what_its_configuration_says(self):
        raw = [hashlib.sha256(gzip.decompress(blob(self.layout, one))).hexdigest()
               for one in self.manifest["layers"]]
        self.assertEqual(["sha256:" + one for one in raw], self.config["rootfs"]["diff_ids"])

    def test_it_has_the_same_bytes_when_it_is_made_again(self):
        again = self.layout.with_name("again")
        make_image(again, f"--archive={again.with_suffix('.tar')}")
        self.assertEqual(again.with_suffix(".tar").read_bytes(), self.layout.with_suffix(".tar").read_bytes())
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
            self.assertEqual(home.stat().st_uid, int(user))
            command = ["/usr/sbin/chroot", f"--userspec={user}:{user}", self.root]
        else:
            command = ["unshare", "--map-root-user", "/usr/sbin/chroot", self.root]
        environment = dict(one.split("=", 1) for one in self.config["config"]["Env"])
        return subprocess.Popen([*command, *self.config["config"]["Entrypoint"], *flags], env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_the_program_runs_in_it(self):
        process = self.start("--version")
        self.assertEqual(process.communicate(timeout=60)[0].split()[0], "kneepoint")
        self.assertEqual(process.returncode, 0)

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
        self.assertEqual(get(base + "/healthz"), (200, b"ok\n"))
        self.assertIn(b'<div id="root">', get(base + "/")[1])
        if os.getuid() == 0:
            owner = pathlib.Path(f"/proc/{process.pid}").stat().st_uid
            self.assertEqual(owner, 65532)
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
