"""A real vLLM on this machine's CPU: predicted from three measured points, the rest of its curve.

As a user would: the model by its config.json, the machine by a data sheet of a few numbers (which need
not be good ones), three loads measured, the others asked of `predict`.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import harness  # noqa: E402
from test_real_servers import CLIENT, MODEL, SERVERS, say  # noqa: E402

DATA_SHEET = {"id": "this-cpu", "vendor": "other", "kind": "npu", "display_name": "one core",
              "arch": "x86", "mem_gib_nominal": "16", "mem_gib_usable": "12", "mem_bw_gbs": "10",
              "bf16_tflops_dense": "0.05", "interconnect": "none", "max_per_host": "1",
              "devices_per_chip": "1", "bf16": "yes", "fp8": "no", "source": "a guess",
              "as_of": "2026-11-21", "confidence": "sourced"}
SEQUENCES = 8  # as the server is started: the knee
MEASURED, LEFT_OUT = (1, 4, 8), (2, 3, 6)
INPUT, OUTPUT = 32, 16
SETTINGS = f"--server-settings=max-num-seqs={SEQUENCES}"
TRIES = 3
BOUND = 0.15


class RealServer(harness.BenchTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-real-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.addCleanup(subprocess.run, [SERVERS / "vllm-cpu", f"--dir={self.folder}", "--stop"],
                        check=False, stdin=subprocess.DEVNULL, timeout=120)
        done = subprocess.run([SERVERS / "vllm-cpu", f"--dir={self.folder}", "--cpu=0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=3000, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = dict(word.split("=", 1) for word in done.stdout.split())
        self.url = said["url"]
        command = pathlib.Path(f"/proc/{said['pid']}/cmdline").read_bytes().decode().split("\0")
        self.config = pathlib.Path(command[command.index("serve") + 1]) / "config.json"

    def know_model_and_machine(self):
        columns = (harness.ROOT / "data/catalog/accelerators.csv").read_text().split("\n", 1)[0]
        row = ",".join(DATA_SHEET.get(name, "") for name in columns.split(","))
        catalog = self.home / "catalog"
        catalog.mkdir(exist_ok=True)
        (catalog / "accelerators.csv").write_text(f"{columns}\n{row}\n")
        self.catalog = f"--catalog={catalog}"
        self.kneepoint("models", "add", self.config, f"--model={MODEL}", status=0)

    def measure(self, clients, keep):
        file = self.home / "report.json"
        file.unlink(missing_ok=True)
        done = subprocess.run(
            [*CLIENT, harness.PROGRAM, "bench", "run", self.catalog, f"--url={self.url}",
             f"--model={MODEL}", "--accelerator=this-cpu", "--accelerator-count=1",
             "--tensor-parallel=1", SETTINGS, f"--concurrency={clients}", "--duration=8s",
             f"--input-tokens={INPUT}", f"--output-tokens={OUTPUT}", f"--seed={clients}",
             f"--report={file}", "--no-keep-run",
             "--keep-profile" if keep else "--no-keep-profile"],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=harness.PATIENCE, check=False)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        return json.loads(file.read_text())["points"][0]

    def predict(self, version):
        loads = sorted(MEASURED + LEFT_OUT)
        done = self.kneepoint(
            "predict", self.catalog, f"--model={MODEL}", "--accelerator=this-cpu", "--tp=1",
            f"--model-server-version={version}", SETTINGS, f"--input-length={INPUT}",
            f"--output-length={OUTPUT}", f"--concurrency={','.join(map(str, loads))}",
            "--format=json", status=0)
        found = json.loads(done.stdout)
        for load, point in zip(loads, found["points"]):
            if load in MEASURED:
                self.assertGreater(point["anchors"], 0, f"{load}: not passed through")
        return dict(zip(loads, found["profile"]["points"]))

    def test_three_points_give_the_rest_of_the_curve(self):
        self.know_model_and_machine()
        for tried in range(1, TRIES + 1):
            shutil.rmtree(self.home / ".local", True)  # the points of an earlier try
            # In turns, so that what the machine does meanwhile is in both.
            measured = {clients: self.measure(clients, clients in MEASURED)
                        for clients in sorted(MEASURED + LEFT_OUT)}
            if not all(measured[clients]["self"]["valid"] for clients in MEASURED):
                say(f"try {tried}: the load generator itself was starved; nothing can be said")
                continue
            predicted = self.predict(measured[1]["server"]["version"])
            worst = 0
            for clients in LEFT_OUT:
                for metric in ("ttft_ms", "tpot_ms", "e2e_ms"):
                    ours, theirs = (side[clients][metric]["mean"] for side in (predicted, measured))
                    off = ours / theirs - 1
                    worst = max(worst, abs(off))
                    say(f"try {tried}: {clients} clients, {metric}: {theirs:.1f} measured, "
                        f"{ours:.1f} predicted ({100 * off:+.1f} %)")
            if worst <= BOUND:
                return
        self.fail(f"not within {100 * BOUND:.0f} % in {TRIES} tries")


if __name__ == "__main__":
    unittest.main()
