"""A server killed in the middle of writing keeps every write that it acknowledged: four clients
import reports, kill -9 ends it, and a server started again has them all."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

POSTGRES = os.environ.get("KNEEPOINT_TEST_POSTGRES", "")
WRITERS = 4
ROUNDS = 3


def report(number):
    return {
        "date": "20260301-101500", "backend": "vllm", "model_id": "meta-llama/Llama-3.1-8B-Instruct",
        "num_prompts": 200, "request_rate": "inf", "max_concurrency": 16, "duration": 50.0,
        "completed": 200, "failed": 0, "total_input_tokens": 102400 + 200 * number,
        "total_output_tokens": 25600, "request_throughput": 4.0, "output_throughput": 512.0,
        "mean_ttft_ms": 82.0, "median_ttft_ms": 80.0, "p99_ttft_ms": 120.0, "mean_tpot_ms": 24.0,
        "median_tpot_ms": 24.0, "p99_tpot_ms": 30.0, "mean_itl_ms": 24.0, "median_itl_ms": 23.0,
        "p99_itl_ms": 40.0}


class Killed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kp-kill-")
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.store = POSTGRES or str(self.home / "kneepoint.db")

    def start(self):
        server = subprocess.Popen(
            [os.environ["KNEEPOINT_SERVE"], "--http=127.0.0.1:0", "--grpc=off", "--web=off",
             f"--store={self.store}"],
            env={"HOME": str(self.home), "PATH": os.environ["PATH"]}, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (server.kill(), server.wait(), server.stderr.close()))
        for line in server.stderr:
            if "http://" in line:
                # The log must not fill the pipe.
                rest = threading.Thread(target=lambda: list(server.stderr))
                rest.start()
                self.addCleanup(lambda: (server.kill(), rest.join()))
                return server, line.split("http://")[1].split()[0].rstrip("/")
        self.fail("the server ended before it said where it is")

    def ask(self, place, method, path, body=None):
        host, port = place.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body else None,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def write(self, place, numbers, kept):
        for number in numbers:
            body = {"files": [{"name": "r.json", "content": json.dumps(report(number))}],
                    "given": {"acceleratorType": "nvidia-l4", "modelServer": "vllm",
                              "modelServerVersion": "0.19.0", "workload": f"fixed:{500 + number}/128"}}
            try:
                status, answer = self.ask(place, "POST", "/kneepoint/v1/imports", body)
            except (OSError, http.client.HTTPException, ValueError):
                return  # killed before it answered: the write may be there or not
            assert status == 200, answer
            kept.extend(profile["id"] for profile in answer["profiles"])

    def test_what_was_acknowledged_is_there_again(self):
        acknowledged, number = [], 0
        for round_ in range(ROUNDS):
            server, place = self.start()
            writers = [threading.Thread(target=self.write, args=(
                place, range(number + 1000 * writer, number + 1000 * (writer + 1)), acknowledged))
                for writer in range(WRITERS)]
            number += 1000 * WRITERS
            before = len(acknowledged)
            for writer in writers:
                writer.start()
            deadline = time.monotonic() + 60
            while len(acknowledged) < before + 10 and time.monotonic() < deadline:
                time.sleep(0.005)
            server.send_signal(signal.SIGKILL)
            server.wait()
            for writer in writers:
                writer.join()
            self.assertGreaterEqual(len(acknowledged), before + 10, "too few writes to kill among")
        _, place = self.start()
        for profile in acknowledged:
            status, answer = self.ask(place, "GET", f"/kneepoint/v1/profiles/{profile}")
            self.assertEqual(status, 200, answer)
            self.assertIn(profile, json.dumps(answer))
        self.assertEqual(len(set(acknowledged)), len(acknowledged))


if __name__ == "__main__":
    unittest.main()
