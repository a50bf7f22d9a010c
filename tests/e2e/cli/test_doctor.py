"""`doctor` as it is used: a log through a pipe, files and folders, and how it ends."""

import json
import signal
import subprocess
import time
import unittest

from support import Case, GPT, PROGRAM, environment

OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n"
SERVICE = """apiVersion: v1
kind: Service
metadata: {name: chat}
spec:
  selector: {app: chat}
  ports:
  - port: 80
    targetPort: %s
"""


class Doctor(Case):
    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def diagnosed(self, status, *arguments, **others):
        done = self.run_program("doctor", "--format=json", *arguments, **others)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_names_the_problem_in_a_log_from_a_pipe(self):
        done = self.run_program("doctor", "-", stdin="INFO start\n" + OUT_OF_MEMORY * 3)
        self.assertEqual(done.returncode, 4)
        self.assertIn("error  cuda-oom  (line 2, 3 lines)", done.stdout)
        self.assertIn("Fix: ", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_a_healthy_log_ends_with_status_0(self):
        report = self.diagnosed(0, "-", stdin="INFO start\nINFO ready\n")
        self.assertEqual(report["findings"], [])
        self.assertEqual(report["lines"], 2)

    def test_warnings_end_with_status_1_unless_left_out(self):
        log = "WARNING request 7 is preempted by recompute\n"
        self.assertEqual(self.diagnosed(1, "-", stdin=log)["warnings"], 1)
        self.assertEqual(self.diagnosed(0, "--severity=error", "-", stdin=log)["warnings"], 0)

    def test_sees_a_manifest_by_its_content_and_is_told_otherwise(self):
        wrong = SERVICE % '"8000"'
        report = self.diagnosed(4, "-", stdin=wrong)
        self.assertEqual([(f["id"], f["line"]) for f in report["findings"]], [("bad-port-name", 8)])
        self.assertEqual(report["objects"], 1)
        self.assertEqual(self.diagnosed(0, "--as=log", "-", stdin=wrong)["lines"], 8)

    def test_takes_logs_manifests_and_folders_together(self):
        self.write("base/kustomization.yaml", "resources: [service.yaml]\n")
        self.write("base/service.yaml", SERVICE % "http")
        log = self.write("pod.log", OUT_OF_MEMORY)
        report = self.diagnosed(4, str(self.home / "base"), log)
        self.assertEqual([f["id"] for f in report["findings"]], ["cuda-oom"])
        self.assertEqual(report["objects"], 1)

    def test_finds_no_error_in_what_manifests_create_writes(self):
        made = self.good("manifests", "create", f"--model={GPT}", "--model-server=vllm",
                         "--accelerator-type=nvidia-h100-80gb")
        report = self.diagnosed(0, "-", stdin=made)
        self.assertEqual(report["errors"], 0, report)

    def test_keeps_signatures_of_ones_own(self):
        folder = self.write(
            "ours/signatures.csv",
            "id,where,severity,role,pattern,sample,cause,fix,command\n"
            'ours,log,error,cause,"license server (\\S+) is away",x,No licence from {1}.,Start it.,start {1}\n')
        report = self.diagnosed(4, "--catalog=" + folder.rsplit("/", 1)[0], "-",
                                stdin="license server $(id) is away\nlicense server a.b is away\n")
        (finding,) = report["findings"]
        self.assertEqual(finding["patch"], "start VALUE")
        self.assertEqual(finding["count"], 2)

    def test_says_which_input_can_not_be_read(self):
        done = self.run_program("doctor", str(self.home / "nothing.log"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("nothing.log", done.stderr)
        self.assertEqual(self.run_program("doctor").returncode, 2)

    def test_tells_what_it_saw_when_it_is_interrupted(self):
        program = subprocess.Popen([PROGRAM, "doctor", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment(self.home))
        program.stdin.write("Back-off restarting failed container\n" +
                            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n" * 2000)
        program.stdin.flush()  # and the pipe stays open
        time.sleep(1)
        program.send_signal(signal.SIGINT)
        self.assertEqual(program.wait(timeout=20), 4)
        self.assertIn("2001 lines", program.stdout.read())
        self.assertIn("interrupted", program.stderr.read())
        for pipe in (program.stdin, program.stdout, program.stderr):
            pipe.close()

    def test_counts_a_file_that_is_no_yaml(self):
        broken = self.write("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x\n")
        done = self.run_program("doctor", broken)
        self.assertEqual(done.returncode, 4)
        self.assertIn("1 error, 0 warnings, 0 remarks in 1 file that could not be read", done.stdout)


if __name__ == "__main__":
    unittest.main()
