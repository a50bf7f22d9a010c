"""What the scripts beside this file share: install once, start, find again, stop.

Each script says in one class how its server is installed and which command runs it; everything else
is here. On disk:

    CACHE/servers/NAME-VERSION/   the installed server; .ready is written last, so a folder without
                                  it is half an installation and is made anew
    CACHE/servers/model-HASH/     the tiny model made by make-tiny-model with one set of arguments
    DIR/NAME.json, NAME.log       the running server: one per folder (--dir)

CACHE is ${KNEEPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kneepoint}.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
MODEL = "tiny-llama"  # the name it is served under


def cache_folder():
    home = os.environ.get("HOME", "/tmp")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return pathlib.Path(os.environ.get("KNEEPOINT_CACHE") or os.path.join(base, "kneepoint"))


def say(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def die(text):
    say("error: " + text)
    sys.exit(1)


def run(*command, log=None, may_fail=False, **options):
    """Runs to its end and returns what it said; when it fails, shows its last words and ends the
    script."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if log:
        with open(log, "a", encoding="utf-8") as out:
            out.write(f"$ {' '.join(command)}\n{done.stdout}")
    if done.returncode != 0 and not may_fail:
        sys.stderr.write("".join(done.stdout.splitlines(keepends=True)[-20:]))
        die(f"{command[0]} ended with status {done.returncode}")
    return done.stdout


@contextlib.contextmanager
def locked(path):
    """Of two tests that want the same folder, one makes it and the other waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def made_once(folder, make, what, megabytes):
    """The folder, made by make(folder) unless a whole one is there. Returns it."""
    ready = folder / ".ready"
    if ready.exists():
        return folder
    with locked(folder.parent / (folder.name + ".lock")):
        if ready.exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        free = shutil.disk_usage(folder).free // 2**20
        if free < megabytes:
            die(f"{what} needs about {megabytes} MB, and {folder} has {free} MB free")
        say(f"making {what}, once")
        started = time.monotonic()
        make(folder)
        took = time.monotonic() - started
        size = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink())
        ready.write_text(f"{took:.0f} s\n", encoding="utf-8")
        say(f"made {what}: {took:.0f} s, {size / 2**20:.0f} MB")
    return folder


def make_environment(folder, requirements, *options):
    """A Python environment with exactly the packages of a list; returns its interpreter."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        die("needs Python 3.11 to 3.14")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile",
        "--no-deps", *options, *requirements)
    return python


def site_packages(python):
    return pathlib.Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
                        .strip())


def tiny_model(arguments):
    digest = hashlib.sha256(" ".join(arguments).encode())
    digest.update((HERE / "make-tiny-model").read_bytes())
    folder = cache_folder() / "servers" / ("model-" + digest.hexdigest()[:12])
    return made_once(folder, lambda at: run(sys.executable, HERE / "make-tiny-model", at, *arguments),
                     "the tiny model", 200)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_time(pid):
    """When the process started, in ticks since boot: a process id alone may be a later process's."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def session_members(session):
    """Every live process of a session. The server is started as the leader of its own, and its
    workers stay in it however they were made."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path(f"/proc/{entry}/stat").read_text(encoding="utf-8")
        except OSError:
            continue
        fields = text.rpartition(")")[2].split()
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(entry))
    return found


def healthy(url):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url + "/health", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


class ModelServer:
    """One kind of server. The scripts derive from it."""

    name = ""
    version = ""
    start_seconds = 300  # on a busy machine

    def install(self, folder):
        raise NotImplementedError

    def megabytes(self):
        raise NotImplementedError

    def command(self, folder, model, port, cpu):
        """(arguments, environment to add)"""
        raise NotImplementedError

    def installed(self):
        folder = cache_folder() / "servers" / f"{self.name}-{self.version}"
        return made_once(folder, self.install, f"{self.name} {self.version}", self.megabytes())


class Running:
    """The server of a folder: what is written about it, and whether it still is that process."""

    def __init__(self, folder, name):
        self.folder = folder
        self.state_file = folder / (name + ".json")
        self.log = folder / (name + ".log")
        try:
            self.state = json.loads(self.state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.state = {}

    def alive(self):
        pid = self.state.get("pid")
        return bool(pid) and start_time(pid) == self.state.get("started")

    def keep(self, state):
        self.state = state
        scratch = self.state_file.with_suffix(".tmp")
        scratch.write_text(json.dumps(state) + "\n", encoding="utf-8")
        scratch.rename(self.state_file)

    def stop(self, patience=3.0):
        """Asks, then ends the whole session. A server with an open stream may never end by itself
        (vLLM), or only when the stream is over (llama.cpp, SGLang)."""
        pid = self.state.get("pid")
        # While a member of the session lives no new process gets its number, so where the leader is
        # gone its members are ours; a live process of another start time is a stranger.
        if pid and (self.alive() or (start_time(pid) is None and session_members(pid))):
            if self.alive():
                os.kill(pid, signal.SIGTERM)
            until = time.monotonic() + patience
            while session_members(pid) and time.monotonic() < until:
                time.sleep(0.05)
            until = time.monotonic() + 10
            while (left := session_members(pid)) and time.monotonic() < until:
                for member in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(member, signal.SIGKILL)
                time.sleep(0.05)
            if left:
                die(f"could not end the processes {left}")
        self.state_file.unlink(missing_ok=True)
        self.state = {}

    def start(self, server, port, cpu, extra, model_arguments):
        install = server.installed()
        model = tiny_model(model_arguments)
        asked = {"port": port, "cpu": cpu, "extra": extra, "model": str(model)}
        if self.alive() and self.state.get("asked") != asked:
            say("other arguments than the running one has: starting it anew")
            self.stop()
        if not self.alive():
            number = port or free_port()
            url = f"http://127.0.0.1:{number}"
            if port and healthy(url):
                die(f"port {port} is taken by another server")
            command, environment = server.command(install, model, number, cpu)
            with open(self.log, "w", encoding="utf-8") as log:
                process = subprocess.Popen(["taskset", "-c", cpu, *map(str, command), *extra],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           cwd=self.folder, start_new_session=True,
                                           env={**os.environ, **environment})
            self.keep({"url": url, "pid": process.pid, "started": start_time(process.pid),
                       "asked": asked})
        until = time.monotonic() + server.start_seconds
        while not healthy(self.state["url"]):
            if not self.alive():
                sys.stderr.write(self.log.read_text(encoding="utf-8", errors="replace")[-4000:])
                self.stop()
                die(f"{server.name} ended while starting; the end of {self.log} is above")
            if time.monotonic() > until:
                self.stop()
                die(f"{server.name} was not healthy after {server.start_seconds} s; see {self.log}")
            time.sleep(0.05)


def main(server, doc):
    parser = argparse.ArgumentParser(description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=pathlib.Path, metavar="FOLDER",
                        help="where log and state of the running server lie; one server per folder"
                             " (default: CACHE/servers/running)")
    parser.add_argument("--port", default="auto", help="a number, or auto (the default) or 0: a free one")
    parser.add_argument("--cpu", default="0", metavar="LIST",
                        help="the cores it may use, as taskset takes them (default: 0)")
    parser.add_argument("--model-args", default="", metavar="TEXT", help="arguments of make-tiny-model")
    parser.add_argument("--install-only", action="store_true", help="install and make the model; start nothing")
    parser.add_argument("--stop", action="store_true", help="stop the server of the folder, if one runs")
    parser.add_argument("extra", nargs="*", metavar="-- FLAGS", help="flags for the server itself")
    a = parser.parse_args()
    if a.port not in ("auto", "") and not a.port.isdigit():
        parser.error("--port is a number or auto")
    port = 0 if a.port in ("auto", "") else int(a.port)

    folder = a.dir or cache_folder() / "servers" / "running"
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    if a.install_only:
        server.installed()
        tiny_model(a.model_args.split())
        return
    with locked(folder / (server.name + ".lock")):
        running = Running(folder, server.name)
        if a.stop:
            running.stop()
            return
        running.start(server, port, a.cpu, a.extra, a.model_args.split())
        print(f"url={running.state['url']} pid={running.state['pid']} model={MODEL} log={running.log}",
              flush=True)
