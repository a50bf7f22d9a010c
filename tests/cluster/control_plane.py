"""A real Kubernetes control plane for tests: built once, started in seconds, on loopback, throw-away.

    with control_plane.ControlPlane() as cluster:
        cluster.kubectl("apply", "--filename", "deploy.yaml")
        verdicts = cluster.dry_run({"deploy.yaml": text})

kube/ is the program: etcd, API server, controller manager, scheduler and kubectl of one release, the
LeaderWorkerSet controller, and kwok for nodes and pods. On disk, beside what tests/servers keeps:

    CACHE/servers/go-VERSION/       the toolchain, whatever Go the machine has or has not
    CACHE/servers/go-cache/         modules and compiled packages; can be deleted, costs a cold build
    CACHE/servers/kube-HASH/        kube and kubectl, a link to it; HASH is of all that makes it
    CACHE/servers/crds-HASH/        the custom resources of crds.txt
"""

import atexit
import base64
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
import model_server  # noqa: E402

MODULE = HERE / "kube"
START_SECONDS = 120  # on a busy machine; 10 on a quiet one


def ingredients():
    """Every file that the built program is made of."""
    return [HERE / "go.txt", *sorted(path for path in MODULE.iterdir() if path.is_file())]


def toolchain():
    """A go command of one version. Not the machine's own: Debian 12 has one that is too old."""
    requirement = (HERE / "go.txt").read_text().splitlines()[-1]
    version = requirement.split()[0].partition("==")[2]

    def make(folder):
        python = model_server.make_environment(folder, ["--requirement", HERE / "go.txt"],
                                               "--require-hashes")
        (folder / "root").symlink_to(model_server.site_packages(python) / "go")

    folder = model_server.made_once(model_server.cache_folder() / "servers" / f"go-{version}", make,
                                    f"Go {version}", 400)
    return folder / "root" / "bin" / "go"


def go_environment(go):
    cache = model_server.cache_folder() / "servers" / "go-cache"
    (cache / "tmp").mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOEXPERIMENT")}
    return kept | {
        "GOTOOLCHAIN": "local", "GOENV": "off", "GOWORK": "off", "CGO_ENABLED": "0",
        "GOFLAGS": "-modcacherw -buildvcs=false", "GOCACHE": str(cache / "build"),
        "GOMODCACHE": str(cache / "modules"), "GOTMPDIR": str(cache / "tmp"),
        "PATH": f"{go.parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
    }


def definitions():
    """(module, version, sum, files) of every line of crds.txt."""
    for line in (HERE / "crds.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            module, version, checksum, *files = line.split()
            yield module, version, checksum, files


def fetch_definitions(into):
    """Copies the files named in crds.txt. The modules are needed for nothing else and are large, so
    they go to a folder of their own that is deleted."""
    go = toolchain()
    environment, log = go_environment(go), into / "download.log"
    with tempfile.TemporaryDirectory(dir=environment["GOTMPDIR"]) as scratch:
        wanted = {f"{module}@{version}": (checksum, files)
                  for module, version, checksum, files in definitions()}
        said = model_server.run(go, "mod", "download", "-json", *wanted, log=log, cwd=scratch,
                                env=environment | {"GOMODCACHE": scratch})
        decoder = json.JSONDecoder()
        while "{" in said:
            found, end = decoder.raw_decode(said, said.index("{"))
            said = said[end:]
            checksum, files = wanted.pop(f"{found['Path']}@{found['Version']}")
            if found.get("Sum") != checksum:
                model_server.die(f"{found['Path']} {found['Version']} is not what crds.txt names:"
                                 f" {found.get('Sum') or found.get('Error')}")
            for file in files:
                shutil.copyfile(pathlib.Path(found["Dir"], file),
                                into / f"{found['Path'].replace('/', '_')}_{pathlib.Path(file).name}")
    if wanted:
        model_server.die(f"not downloaded: {', '.join(wanted)}")


def crds():
    """The folder with every custom resource of crds.txt."""
    digest = hashlib.sha256((HERE / "crds.txt").read_bytes()).hexdigest()[:12]
    return model_server.made_once(model_server.cache_folder() / "servers" / f"crds-{digest}",
                                  fetch_definitions, "the custom resources", 1500)


def release():
    for line in (MODULE / "go.mod").read_text().splitlines():
        if line.strip().startswith("k8s.io/kubernetes v"):
            return line.split()[1]
    raise AssertionError("go.mod names no release of Kubernetes")


def built():
    """The folder with kube and kubectl."""
    digest = hashlib.sha256()
    for path in ingredients():
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")

    def make(folder):
        go = toolchain()
        environment = go_environment(go)
        log = folder / "build.log"
        version, where = release(), "k8s.io/component-base/version"
        minor = version.split(".")[1]
        flags = f"-s -w -X {where}.gitVersion={version} -X {where}.gitMajor=1 -X {where}.gitMinor={minor}"
        model_server.run("nice", "-n", "10", go, "build", "-trimpath", "-ldflags", flags,
                         "-o", folder / "kube", ".", log=log, cwd=MODULE, env=environment)
        (folder / "kubectl").symlink_to("kube")

    # While it is built: 3 GB of compiled packages, 2 GB of modules.
    return model_server.made_once(
        model_server.cache_folder() / "servers" / f"kube-{digest.hexdigest()[:12]}", make,
        f"Kubernetes {release()}", 6000)


def hpa_controller():
    """The program of kube/hpa/, which plays scenarios on the real controller of autoscalers."""
    sources = [HERE / "go.txt", MODULE / "go.mod", MODULE / "go.sum", *sorted((MODULE / "hpa").iterdir())]
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")

    def make(folder):
        go = toolchain()
        model_server.run("nice", "-n", "10", go, "test", "-c", "-trimpath", "-o", folder / "hpa", "./hpa",
                         log=folder / "build.log", cwd=MODULE, env=go_environment(go))

    return model_server.made_once(
        model_server.cache_folder() / "servers" / f"hpa-{digest.hexdigest()[:12]}", make,
        "the controller of autoscalers", 6000) / "hpa"


class Failed(Exception):
    """A kubectl that ended with an error; the text is what it said."""


class Api:
    """The API server asked directly: a tenth of what a kubectl costs."""

    def __init__(self, kubeconfig):
        config = yaml.safe_load(pathlib.Path(kubeconfig).read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url, self.token = cluster["server"], user["token"]
        data = cluster.get("certificate-authority-data")
        context = ssl.create_default_context(
            cadata=base64.b64decode(data).decode() if data else None,
            cafile=cluster.get("certificate-authority"))
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                  urllib.request.HTTPSHandler(context=context))

    def ask(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self.token, "Content-Type": kind})
        try:
            with self.opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code}: {error.read().decode(errors='replace')}") from error

    def patch_status(self, path, status):
        return self.ask("PATCH", path + "/status", {"status": status}, "application/merge-patch+json")


class ControlPlane:
    """One running control plane in a folder. Started by a test it ends with the test's process, however
    that ends; with detached=True it stays until stop()."""

    def __init__(self, folder=None, detached=False, hpa_sync="15s"):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="kp-kube-")).resolve()
        self.detached = detached
        self.hpa_sync = hpa_sync
        self.program = built()
        self.running = model_server.Running(self.folder, "kube")
        self.process = None

    kubeconfig = property(lambda self: self.folder / "state" / "keys" / "kubeconfig")

    def start(self):
        state = self.folder / "state"
        if self.running.alive() and (state / "ready.json").exists():
            return self
        self.end()
        state.mkdir(mode=0o700)
        command = [self.program / "kube", "up", f"--folder={state}", f"--crds={crds()}",
                   f"--hpa-sync={self.hpa_sync}"]
        if not self.detached:
            command.append("--until-input-ends")
        with open(self.running.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL if self.detached else subprocess.PIPE, stdout=log,
                stderr=log, cwd=self.folder, start_new_session=True)
        self.running.keep({"pid": self.process.pid,
                           "started": model_server.start_time(self.process.pid)})
        until = time.monotonic() + START_SECONDS
        while not (state / "ready.json").exists():
            if self.process.poll() is not None or time.monotonic() > until:
                said = self.running.log.read_text(encoding="utf-8", errors="replace")[-4000:]
                self.end()
                raise Failed(f"the control plane did not start: {said}")
            time.sleep(0.03)
        return self

    def stop(self):
        self.end()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        self.running.stop(patience=2.0)
        if self.process:
            if self.process.stdin:
                self.process.stdin.close()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @functools.cached_property
    def api(self):
        return Api(self.kubeconfig)

    def namespace(self, name, **labels):
        """Makes one and waits until pods can be made in it."""
        self.api.ask("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        self.wait("the account of the namespace",
                  lambda: self.api.ask("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default"))

    def drop_namespace(self, name):
        self.api.ask("DELETE", f"/api/v1/namespaces/{name}")

    def environment(self):
        """For a program that is to find this cluster as it would find a user's."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig),
                "PATH": f"{self.program}:{os.environ.get('PATH', '/usr/bin:/bin')}"}

    def kubectl(self, *arguments, text=None):
        """What kubectl prints."""
        done = subprocess.run([self.program / "kubectl", *map(str, arguments)], input=text or "",
                              capture_output=True, text=True, check=False, timeout=120,
                              env=self.environment())
        if done.returncode != 0:
            raise Failed(done.stderr.strip())
        return done.stdout

    def get(self, *arguments):
        """An object, or a list of them, as the server has it."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def apply(self, *objects):
        self.kubectl("apply", "--filename=-", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def dry_run(self, texts):
        """One verdict for each YAML document in the texts, which is a dictionary or pairs: id, index in
        its text, kind, name, accepted, message. Hundreds in a second."""
        pairs = texts.items() if isinstance(texts, dict) else texts
        lines = "".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in pairs)
        done = subprocess.run([self.program / "kube", "dry-run", f"--config-file={self.kubeconfig}"],
                              input=lines, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise Failed(done.stderr.strip())
        return [json.loads(line) for line in done.stdout.splitlines()]

    def report(self, values):
        """From now on these are the values of custom and external metrics, in total over all pods:
        {"NAMESPACE/METRIC": number}. A metric that is not named is reported by nobody."""
        file = self.folder / "state" / "metrics.json"
        scratch = file.with_suffix(".tmp")
        scratch.write_text(json.dumps({name: str(value) for name, value in values.items()}))
        scratch.rename(file)

    def wait(self, what, look, seconds=180):
        """Looks until something is there, and returns it."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(Failed):
                if found := look():
                    return found
            if time.monotonic() > until:
                raise AssertionError(f"after {seconds} s still not: {what}")
            time.sleep(0.1)


_shared = []


def shared():
    """The control plane of a test program, started when the first test asks and gone at its end."""
    if not _shared:
        cluster = ControlPlane(hpa_sync="2s")
        atexit.register(cluster.stop)
        began = time.monotonic()
        _shared.append(cluster.start())
        model_server.say(f"control plane up after {time.monotonic() - began:.1f} s")
    return _shared[0]
