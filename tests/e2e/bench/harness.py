"""What the tests of `kneepoint bench` share: the program, an emulator to ask, and a home of their own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KNEEPOINT") or str(ROOT / "build" / "dev" / "kneepoint")
PATIENCE = 120  # seconds; longer than anything takes on the busiest machine


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kp-bench-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def popen(self, *arguments, **variables):
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)], env={**self.environment, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def kneepoint(self, *arguments, status=None, **variables):
        """Runs it to its end. `status`: one or several; 0 or 4 (a busy machine) is not told apart
        where a test is not about it."""
        process = self.popen(*arguments, **variables)
        out, err = process.communicate(timeout=PATIENCE)
        if status is not None:
            allowed = status if isinstance(status, tuple) else (status,)
            self.assertIn(process.returncode, allowed, f"{arguments}\n{out}{err}")
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def emulate(self, *flags, **variables):
        """An emulator on a port of its own; its address. The last one is self.emulator."""
        server = self.popen("emulate", "--port=0", "--format=json", "--model=m",
                            "--model-server-version=0.11.0", *flags, **variables)
        line = server.stdout.readline()
        self.assertTrue(line, server.poll() is not None and server.stderr.read())
        self.emulator = server
        return json.loads(line)["url"]

    def bench(self, verb, url, *flags, status=(0, 4), output=8, **variables):
        """(what was said, the report or None)"""
        file = self.home / "report.json"
        file.unlink(missing_ok=True)
        done = self.kneepoint("bench", verb, f"--url={url}", "--model=m", "--input-tokens=16",
                              f"--output-tokens={output}", f"--report={file}", *flags, status=status,
                              **variables)
        return done, json.loads(file.read_text()) if file.exists() else None

    def run_folders(self):
        """Of the runs kept in the test's home, oldest first."""
        folder = self.home / ".local/share/kneepoint/runs"
        return sorted(folder.iterdir()) if folder.exists() else []

    def assert_nowhere(self, secret, *texts):
        """Neither in the texts nor in any file the program left."""
        for text in texts:
            self.assertNotIn(secret, text)
        for path in self.home.rglob("*"):
            if path.is_file() and not path.name.startswith("secret"):
                self.assertNotIn(secret.encode(), path.read_bytes(), path)


def points_in(folder):
    """The load points in a run directory's log, as anybody could read them."""
    points = []
    # What follows the last line's end is unfinished.
    for line in (folder / "run.log").read_bytes().split(b"\n")[1:-1]:
        _, size, _, kind, value = line.split(b" ", 4)
        if kind == b"point" and int(size) == len(line.split(b" ", 2)[2]):
            points.append(json.loads(value))
    return points


def get(url, **fields):
    request = urllib.request.Request(url, headers=fields)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=20) as answer:
        return answer.read().decode()


def wait_for(condition, what, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.01)
    return value


def interrupt(process, number=signal.SIGINT):
    """(status, stdout, stderr) after it was asked to end."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
