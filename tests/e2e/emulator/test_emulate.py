"""`kneepoint emulate` as its users run it: the real program, spoken to by Python's own client."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KNEEPOINT") or str(ROOT / "build" / "dev" / "kneepoint")

SCRIPT = ("--ttft=2ms", "--itl=1ms")


class Emulate(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kp-emulate-"))
        self.addCleanup(shutil.rmtree, self.home, True)
        self.environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def start(self, *flags, timing=None, **variables):
        server = subprocess.Popen(
            [PROGRAM, "emulate", "--port=0", "--format=json", *(timing or SCRIPT), *flags],
            env={**self.environment, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, server)
        line = server.stdout.readline()
        self.assertTrue(line, server.poll() is not None and server.stderr.read())
        ready = json.loads(line)
        self.assertEqual(ready["pid"], server.pid)
        self.url = ready["url"]
        self.port = ready["port"]
        return server

    def end(self, server):
        if server.poll() is None:
            server.kill()
        server.communicate()

    def interrupt(self, server, number=signal.SIGINT):
        server.send_signal(number)
        out, err = server.communicate(timeout=20)
        return server.returncode, out, err

    def call(self, path, body=None, **fields):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, fields)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def refused(self, *flags, **variables):
        done = subprocess.run([PROGRAM, "emulate", *flags], env={**self.environment, **variables},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_serves_until_interrupted_and_sums_up(self):
        server = self.start("--model=org/m")
        self.assertEqual(self.call("/v1/models")["data"][0]["id"], "org/m")
        answer = self.call("/v1/completions", {"model": "org/m", "prompt": "a b", "max_tokens": 3})
        self.assertEqual(answer["usage"], {"prompt_tokens": 2, "completion_tokens": 3,
                                           "total_tokens": 5})
        status, out, err = self.interrupt(server)
        self.assertEqual(status, 0)
        self.assertEqual(out, "")
        self.assertRegex(err, r"\ASIGINT: 1 requests \(1 completed, .* 3 tokens .*\n\Z")

    def test_streams_over_a_kept_connection_and_writes_the_truth(self):
        truth = self.home / "truth.jsonl"
        server = self.start(f"--truth={truth}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for number in range(2):
            connection.request("POST", "/v1/chat/completions", json.dumps(
                {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 5,
                 "stream": True, "stream_options": {"include_usage": True}}),
                {"X-Request-Id": f"r{number}"})
            answer = connection.getresponse()
            self.assertEqual(answer.getheader("Content-Type"), "text/event-stream; charset=utf-8")
            events = [line[6:] for line in answer.read().decode().split("\n\n") if line]
            self.assertEqual(events[-1], "[DONE]")
            chunks = [json.loads(event) for event in events[:-1]]
            self.assertEqual(chunks[-1]["usage"]["completion_tokens"], 5)
            words = [c["delta"].get("content") for chunk in chunks for c in chunk["choices"]]
            self.assertEqual(len("".join(words).split()), 5)
        connection.close()
        status, _, err = self.interrupt(server, signal.SIGTERM)
        self.assertEqual(status, 0)
        self.assertIn("over 1 connections", err)
        lines = [json.loads(line) for line in truth.read_text().splitlines()]
        self.assertEqual([line["id"] for line in lines], ["chatcmpl-r0", "chatcmpl-r1"])
        for line in lines:
            self.assertEqual(len(line["token_ns"]), 5)
            self.assertGreaterEqual(line["token_ns"][0], 2_000_000)

    def test_other_machines_need_a_token(self):
        status, err = self.refused("--host=0.0.0.0", "--port=0")
        self.assertEqual(status, 2)
        self.assertIn("--token-file", err)
        secret = self.home / "token"
        secret.write_text("tick3t\n")
        self.start("--host=0.0.0.0", f"--token-file={secret}")
        self.url = f"http://127.0.0.1:{self.port}"
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.call("/v1/models")
        self.assertEqual(caught.exception.code, 401)
        self.assertIn("Bearer", json.load(caught.exception)["error"]["message"])
        caught.exception.close()
        self.assertTrue(self.call("/v1/models", Authorization="Bearer tick3t")["data"])

    def test_the_token_may_come_from_the_environment_and_is_told_to_nobody(self):
        server = self.start(KNEEPOINT_EMULATE_TOKEN="tick3t")
        self.assertTrue(self.call("/v1/models", Authorization="Bearer tick3t")["data"])
        command = pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes()
        self.assertNotIn(b"tick3t", command)
        _, out, err = self.interrupt(server)
        self.assertNotIn("tick3t", out + err)

    def test_says_what_is_wrong(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            _, err = self.refused(f"--port={port}")
            self.assertIn(f"port {port}", err)
        for flag, words in (("--ttft=10", "10ms"), ("--fault=explode", "sse-error"),
                            ("--variant=odd", "no-done"), ("--model-server=nobody", "sglang"),
                            ("--output-tokens=x:1", "--output-tokens"),
                            ("--truth=/nowhere/at/all", "/nowhere/at/all"),
                            ("--step-time=base=1", "--step-time"),
                            ("--max-num-batched-tokens=8", "max_num_seqs")):
            _, err = self.refused("--port=0", flag)
            self.assertIn(words, err, flag)
            self.assertTrue(err.startswith("kneepoint: "), err)

    def test_timing_is_of_one_kind(self):
        for flags in (("--ttft=1ms", "--max-num-seqs=2"), ("--timing=engine", "--itl=1ms"),
                      ("--timing=scripted", "--speed=2")):
            status, err = self.refused("--port=0", *flags)
            self.assertEqual(status, 2)
            for flag in flags:
                self.assertIn(flag.split("=")[0], err)

    def test_without_a_word_it_is_an_engine(self):
        server = self.start(timing=("--no-chunked-prefill",))
        answer = self.call("/v1/completions", {"prompt": "a " * 64, "max_tokens": 3})
        self.assertEqual(answer["usage"]["completion_tokens"], 3)
        self.assertEqual(self.call("/props")["max_total_num_tokens"], 26000 * 16)
        _, _, err = self.interrupt(server)
        self.assertRegex(err, r"engine: 3 steps, lag p99 \S+ ms, max \S+ ms\n\Z")

    def test_an_engine_has_the_limits_given(self):
        self.start(timing=("--speed=100", "--kv-blocks=10", "--block-size=8", "--max-num-seqs=4",
                           "--step-time=base=50ms", "--step-noise=0.1", "--no-prefix-caching"))
        for _ in range(2):
            self.call("/v1/completions", {"prompt": "a " * 32, "max_tokens": 3})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.call("/v1/completions", {"prompt": "a " * 64, "max_tokens": 30})
        self.assertEqual(caught.exception.code, 400)
        self.assertIn("the KV cache has 10", json.load(caught.exception)["error"]["message"])
        caught.exception.close()
        with urllib.request.urlopen(self.url + "/metrics", timeout=20) as answer:
            text = answer.read().decode()
        self.assertIn('vllm:cache_config_info{block_size="8",num_gpu_blocks="10"} 1\n', text)
        self.assertRegex(text, r"vllm:prefix_cache_hits_total\{[^}]*\} 0\n")

    def test_dies_when_it_is_told_to(self):
        server = self.start("--fault=die-after:1")
        body = {"prompt": "a", "max_tokens": 4}
        self.assertEqual(self.call("/v1/completions", body)["usage"]["completion_tokens"], 4)
        with self.assertRaises(OSError):
            self.call("/v1/completions", body)
        server.wait(timeout=20)
        self.assertNotEqual(server.returncode, 0)

    def test_metrics_are_those_of_the_server(self):
        self.start("--model-server=sglang")
        self.call("/v1/completions", {"prompt": "a b", "max_tokens": 2})
        with urllib.request.urlopen(self.url + "/metrics", timeout=20) as answer:
            text = answer.read().decode()
        self.assertIn('sglang:generation_tokens_total{model_name="emulated"} 2\n', text)
        self.assertNotIn("vllm:", text)


if __name__ == "__main__":
    unittest.main()
