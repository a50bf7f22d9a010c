"""The public client libraries of google.cloud.gkerecommender.v1, each installed once from its own
registry into the cache of tests/servers, and a `kneepoint-serve` to ask.

    with clients.Server("--grpc=127.0.0.1:0") as server:
        answers = clients.ask(server, "go", "rest", [("fetch_models", {})])
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "servers"))
sys.path.insert(0, str(HERE.parent / "cluster"))
import control_plane  # noqa: E402
import model_server  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
SERVE = pathlib.Path(os.environ.get("KNEEPOINT_SERVE") or PROGRAM.parent / "kneepoint-serve")
TODAY = 1795305600  # 2026-11-22
LANGUAGES = ("python", "go", "java")
SERVICE = "google.cloud.gkerecommender.v1.GkeInferenceQuickstart"


def made(name, files, make, megabytes):
    """A folder of the cache, made anew when a file it is made of changes."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    folder = model_server.cache_folder() / "clients" / f"{name}-{digest.hexdigest()[:12]}"
    return model_server.made_once(folder, make, f"the {name} client", megabytes)


def python_client():
    listed = HERE / "python.txt"
    folder = made("python", [listed], lambda folder: model_server.make_environment(
        folder, ["--requirement", listed]), 200)
    return [folder / "bin" / "python", HERE / "python_probe.py"]


def go_client():
    files = sorted((HERE / "go").iterdir())

    def make(folder):
        go = control_plane.toolchain()
        model_server.run("nice", go, "build", "-trimpath", "-o", folder / "probe", ".",
                         log=folder / "build.log", cwd=HERE / "go",
                         env=control_plane.go_environment(go))

    return [made("go", files, make, 1500) / "probe"]


def java_client():
    files = [HERE / "java" / "pom.xml", HERE / "java" / "src" / "main" / "java" / "Probe.java"]

    def make(folder):
        for tool, package in (("mvn", "maven"), ("javac", "default-jdk-headless")):
            if shutil.which(tool) is None:
                model_server.die(f"the Java client needs {tool}: Debian package {package}")
        source = folder / "source"
        shutil.copytree(HERE / "java", source)
        log = folder / "build.log"
        repository = f"-Dmaven.repo.local={folder.parent / 'maven'}"
        model_server.run("nice", "mvn", "--batch-mode", "--quiet", repository,
                         "dependency:copy-dependencies", "-DincludeScope=runtime",
                         f"-DoutputDirectory={folder / 'lib'}", log=log, cwd=source)
        model_server.run("javac", "--release", "17", "-cp", f"{folder / 'lib'}/*", "-d",
                         folder / "classes", source / "src/main/java/Probe.java", log=log)

    folder = made("java", files, make, 400)
    return ["java", "-XX:+UseSerialGC", "-Xshare:auto", "-cp",
            f"{folder / 'classes'}:{folder / 'lib'}/*", "Probe"]


CLIENTS = {"python": python_client, "go": go_client, "java": java_client}


class Server:
    """A kneepoint-serve over a store of its own, on free ports, until the block ends."""

    def __init__(self, *flags, store=None, environment=None):
        self.flags = flags
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-clients-"))
        self.store = store or self.folder / "store.db"
        self.environment = {"HOME": str(self.folder), "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                            "SOURCE_DATE_EPOCH": str(TODAY), "LC_ALL": "C.UTF-8"} | (environment or {})
        self.lines = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [SERVE, f"--store={self.store}", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", *self.flags],
            env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            self.lines.append(line)
            ready = re.match(r"kneepoint-serve: REST and console at http://(\S+), gRPC at (\S+)", line)
            if ready:
                self.rest, self.grpc = ready.groups()
                break
        else:
            raise AssertionError("kneepoint-serve did not start:\n" + "".join(self.lines))
        # The log must not fill the pipe.
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr))
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.status = self.process.wait(30)
        self.reader.join()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kneepoint(self, *arguments):
        """What the program itself says about the same store, read from JSON."""
        done = subprocess.run([PROGRAM, *arguments, f"--store={self.store}", "--format=json"],
                              env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)


def ask(server, language, transport, asks, *more):
    """Each (method, request, *options) of `asks`, answered in order by one process of the client."""
    where = server.rest if transport == "rest" else server.grpc
    lines = [json.dumps({"method": method, "request": request} | dict.fromkeys(options, True))
             for method, request, *options in asks]
    done = subprocess.run([*CLIENTS[language](), transport, where, *more], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-4000:])
    return [json.loads(line) for line in done.stdout.splitlines()]


