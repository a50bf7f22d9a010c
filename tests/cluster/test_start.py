"""The scripts: one control plane for each folder, found again, and nothing left when it stops."""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import control_plane
import model_server

HERE = pathlib.Path(__file__).resolve().parent


class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-kube-start-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(self.run_script, "stop")

    def run_script(self, name):
        return subprocess.run([HERE / name, f"--dir={self.folder}"], check=True, text=True,
                              capture_output=True, timeout=3000).stdout

    def members(self):
        pid = model_server.Running(self.folder, "kube").state.get("pid")
        return model_server.session_members(pid) if pid else []

    def test_start_again_and_stop(self):
        control_plane.built()
        began = time.monotonic()
        said = self.run_script("start")
        first = time.monotonic() - began
        members = self.members()
        self.assertGreater(len(members), 7)
        began = time.monotonic()
        self.assertEqual(self.run_script("start"), said)
        again = time.monotonic() - began
        self.assertEqual(self.members(), members)
        self.assertLess(again, 3)
        nodes = subprocess.run(["bash", "-c", f"{said}kubectl get nodes --output=name"], check=True,
                               text=True, capture_output=True).stdout.split()
        self.assertEqual(nodes, ["node/cpu-0", "node/h100-0", "node/h100-1", "node/l4-0"])
        kubeconfig = shlex.split(said)[1].partition("=")[2]
        self.assertEqual(os.stat(kubeconfig).st_mode & 0o077, 0)
        self.assertEqual(listening_elsewhere(members), [])
        self.run_script("stop")
        self.assertEqual(self.members(), [])
        self.assertFalse((self.folder / "state").exists())
        print(f"started in {first:.1f} s, found again in {again:.1f} s")

    def test_nothing_is_left_when_the_first_process_is_killed(self):
        cluster = control_plane.ControlPlane(self.folder)
        cluster.start()
        session = cluster.process.pid
        members = model_server.session_members(session)
        os.kill(session, signal.SIGKILL)
        cluster.process.wait()
        cluster.process.stdin.close()
        until = time.monotonic() + 10
        while model_server.session_members(session) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertGreater(len(members), 7)
        self.assertEqual(model_server.session_members(session), [])


def listening_elsewhere(members):
    """Sockets of these processes that listen on another address than loopback."""
    inodes = set()
    for pid in members:
        for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address = fields[1].partition(":")[0]
            if fields[3] == "0A" and fields[9] in inodes and address not in (
                    "0100007F", "00000000000000000000000001000000"):
                found.append(fields[1])
    return found


if __name__ == "__main__":
    unittest.main()
