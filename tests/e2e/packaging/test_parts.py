"""What the packages are made of, without making them: the service's files name flags that the server has, the
server's two programs have the same ones, and tools/oci-image lays out what the OCI image specification says."""

import gzip
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint"
SERVE = os.environ.get("KNEEPOINT_SERVE") or ROOT / "build" / "dev" / "kneepoint-serve"
FLAG = re.compile(r"^  (--[a-z-]+)", re.M)


def help_of(*command):
    return set(FLAG.findall(subprocess.run([*command, "--help"], check=True, capture_output=True, text=True).stdout))


def oci_image():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("oci_image", str(ROOT / "tools" / "oci-image"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("oci_image", loader))
    loader.exec_module(module)
    return module


class Service(unittest.TestCase):
    def test_both_programs_of_the_server_have_the_same_flags(self):
        theirs, own = help_of(PROGRAM, "serve"), help_of(SERVE)
        self.assertIn("--http", own)
        self.assertEqual(own - theirs, {"--canned"})
        self.assertEqual({flag for flag in theirs - own if flag not in help_of(PROGRAM, "models", "list")}, set())

    def test_the_flags_its_files_name_are_flags_of_the_server(self):
        named = {}
        for path in ("packaging/kneepoint.default", "packaging/kneepoint.service", "tools/oci-image"):
            text = (ROOT / path).read_text()
            if path == "tools/oci-image":
                text = re.search(r'"Cmd": \[(.*?)\]', text, re.S)[1]
            named[path] = set(re.findall(r"--[a-z][a-z-]+", text))
            self.assertTrue(named[path], path)
            self.assertEqual(named[path] - help_of(SERVE), set(), path)

    def test_the_way_that_the_defaults_show_is_one_the_server_takes_up_to_its_files(self):
        shown = re.search(r"^#KNEEPOINT_SERVE_FLAGS=(.*)$", (ROOT / "packaging/kneepoint.default").read_text(), re.M)[1]
        done = subprocess.run([SERVE, *shown.split()], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/run/credentials/kneepoint.service/tokens", done.stderr)


class Image(unittest.TestCase):
    """The layout, from a package of three files over a Debian of a few."""

    BASE = {"./bin": "usr/bin", "./usr/bin/bash": b"shell", "./usr/lib/libx.so": b"library", "./var/log/apt.log": b"log",
            "./usr/share/doc/libx/copyright": b"(c)", "./usr/share/doc/libx/README": b"long",
            "./var/lib/dpkg/info/libx.list": b"", "./var/lib/dpkg/status.d/libx": b"Package: libx\n",
            "./usr/share/ca-certificates/one.crt": b"CERTIFICATE\n"}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        tree = self.top / "tree"
        for name, content in {"DEBIAN/control": "Package: kneepoint\nVersion: 1.2-3\nArchitecture: amd64\n"
                              "Maintainer: x <x@x.invalid>\nDepends: libx (>= 1), liby | libz\nDescription: x\n",
                              "usr/bin/kneepoint": "program", "usr/share/man/man1/kneepoint.1.gz": "page",
                              "etc/default/kneepoint": "flags"}.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(content)
        (tree / "usr/bin/kneepoint").chmod(0o755)
        for path in tree.rglob("*"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
        self.package = self.top / "kneepoint.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, self.package], check=True,
                       capture_output=True, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})

    def make(self, name):
        module = oci_image()
        asked = []

        def base(names, into, suite):
            asked.extend([names, suite])
            with tarfile.open(into, "w") as tar:
                for path, content in self.BASE.items():
                    entry = tarfile.TarInfo(path)
                    entry.mtime = int.from_bytes(os.urandom(3), "big")  # of no influence
                    if isinstance(content, str):
                        entry.type, entry.linkname = tarfile.SYMTYPE, content
                        tar.addfile(entry)
                    else:
                        entry.size = len(content)
                        tar.addfile(entry, io.BytesIO(content))
        words = ["oci-image", f"--package={self.package}", f"--output={self.top / name}"]
        environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        with mock.patch.object(module, "base_tar", base), mock.patch.object(sys, "argv", words), \
                mock.patch.dict(os.environ, environment, clear=True), mock.patch("builtins.print"):
            module.main()
        self.assertEqual(asked, [["ca-certificates", "libx", "liby", "tzdata"], "bookworm"])
        return self.top / name

    def read(self, layout, what):
        content = (layout / "blobs/sha256" / what["digest"].partition(":")[2]).read_bytes()
        self.assertEqual("sha256:" + hashlib.sha256(content).hexdigest(), what["digest"])
        self.assertEqual(len(content), what["size"])
        return content

    def test_every_digest_size_and_type_is_right(self):
        layout = self.make("one")
        self.assertEqual(json.loads((layout / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(self.read(layout, index["manifests"][0]))
        self.assertEqual(index["manifests"][0]["mediaType"], manifest["mediaType"])
        config = json.loads(self.read(layout, manifest["config"]))
        self.assertEqual(manifest["config"]["mediaType"], "application/vnd.oci.image.config.v1+json")
        raw = []
        for one in manifest["layers"]:
            self.assertEqual(one["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip")
            raw.append(gzip.decompress(self.read(layout, one)))
        self.assertEqual(["sha256:" + hashlib.sha256(one).hexdigest() for one in raw], config["rootfs"]["diff_ids"])
        self.assertEqual(config["created"], "2023-11-14T22:13:20Z")
        self.assertEqual(config["config"]["User"], "65532:65532")

    def test_nothing_is_in_it_that_the_program_does_not_need(self):
        layout = self.make("one")
        manifest = json.loads(self.read(layout, json.loads((layout / "index.json").read_text())["manifests"][0]))
        names = []
        for one in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self.read(layout, one))) as tar:
                entries = tar.getmembers()
            self.assertTrue(all(entry.mtime == 1_700_000_000 for entry in entries))
            names += [entry.name for entry in entries if not entry.isdir()]
        self.assertEqual(sorted(names), [
            "bin", "etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/kneepoint", "usr/lib/libx.so",
            "usr/share/ca-certificates/one.crt", "usr/share/doc/libx/copyright", "var/lib/dpkg/status.d/kneepoint",
            "var/lib/dpkg/status.d/libx"])

    def test_the_same_packages_give_the_same_bytes(self):
        one, two = self.make("one"), self.make("two")
        self.assertEqual((one / "index.json").read_bytes(), (two / "index.json").read_bytes())


if __name__ == "__main__":
    unittest.main()
