"""The part of the server scripts that needs no server: install once, find again, stop for sure."""

import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import model_server  # noqa: E402

# Like a server with an open stream: does not end when asked, and has a worker of its own.
STUBBORN = ("import signal, subprocess, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "if len(sys.argv) == 1: subprocess.Popen([sys.executable, __file__, 'worker'])\n"
            "print('up', flush=True)\n"
            "time.sleep(600)\n")


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Stop(Scratch):
    def test_ends_a_server_and_its_workers_that_do_not_listen(self):
        program = self.folder / "stubborn.py"
        program.write_text(STUBBORN)
        process = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE,
                                   start_new_session=True)
        process.stdout.readline()
        process.stdout.readline()
        self.assertEqual(len(model_server.session_members(process.pid)), 2)
        running = model_server.Running(self.folder, "stubborn")
        running.keep({"pid": process.pid, "started": model_server.start_time(process.pid)})
        self.assertTrue(running.alive())
        running.stop(patience=0.1)
        self.assertEqual(model_server.session_members(process.pid), [])
        self.assertFalse(running.state_file.exists())
        process.stdout.close()
        process.wait()

    def test_leaves_a_process_alone_that_has_got_the_number_of_an_old_server(self):
        process = subprocess.Popen(["sleep", "600"], start_new_session=True)
        try:
            running = model_server.Running(self.folder, "old")
            running.keep({"pid": process.pid, "started": 1})
            self.assertFalse(running.alive())
            running.stop(patience=0.1)
            self.assertIsNone(process.poll())
        finally:
            process.kill()
            process.wait()


class Install(Scratch):
    def test_is_done_once_and_again_where_it_was_cut_off(self):
        made = []

        def make(folder):
            self.assertEqual(list(folder.iterdir()), [])
            (folder / "half").touch()
            made.append(len(made))
            if len(made) == 1:
                raise KeyboardInterrupt

        target = self.folder / "server"
        with self.assertRaises(KeyboardInterrupt):
            model_server.made_once(target, make, "it", 1)
        model_server.made_once(target, make, "it", 1)
        started = time.monotonic()
        model_server.made_once(target, make, "it", 1)
        self.assertLess(time.monotonic() - started, 0.05)
        self.assertEqual(made, [0, 1])


class TinyModel(Scratch):
    def test_is_the_same_for_the_same_arguments(self):
        small = ["--hidden", "64", "--ffn", "64", "--layers", "1", "--heads", "4", "--vocab", "300"]
        for name in ("a", "b"):
            subprocess.run([sys.executable, HERE / "make-tiny-model", self.folder / name, *small],
                           check=True, stdout=subprocess.DEVNULL)
        names = sorted(path.name for path in (self.folder / "a").iterdir())
        self.assertIn("model.gguf", names)
        self.assertIn("model.safetensors", names)
        for name in names:
            self.assertEqual((self.folder / "a" / name).read_bytes(),
                             (self.folder / "b" / name).read_bytes(), name)


if __name__ == "__main__":
    unittest.main()
