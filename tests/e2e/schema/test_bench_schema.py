"""The report of `bench run` is valid under docs/schema/bench-report.v1.json, whatever the server did."""

import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KP_PROGRAM", str(ROOT / "build/dev/kneepoint"))
KEY = "sk-only-for-this-test"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == "broken":
            words = ("no such key: " + self.headers.get("Authorization", "")).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        tokens = body["max_tokens"]
        for i in range(tokens):
            reason = "length" if i + 1 == tokens else None
            self.event({"choices": [{"index": 0, "text": " a", "finish_reason": reason}]})
            time.sleep(0.002)
        self.event({"choices": [], "usage": {"prompt_tokens": len(body["prompt"]),
                                             "completion_tokens": tokens}})
        self.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    def event(self, value):
        data = b"data: " + json.dumps(value).encode() + b"\n\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


class BenchReport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads((ROOT / "docs/schema/bench-report.v1.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.url = f"http://127.0.0.1:{cls.server.server_address[1]}"

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def bench(self, *flags, model="m", url=None, environment=None):
        with tempfile.TemporaryDirectory() as home:
            report = pathlib.Path(home) / "report.json"
            done = subprocess.run(
                [PROGRAM, "bench", "run", f"--url={url or self.url}", f"--model={model}",
                 "--input-tokens=8", "--output-tokens=4", f"--report={report}", *flags],
                env={"HOME": home, "PATH": os.environ["PATH"], **(environment or {})},
                capture_output=True, text=True, timeout=60)
            document = json.loads(report.read_text()) if report.exists() else None
        return done, document

    def test_one_point_stands_at_the_top_too(self):
        done, report = self.bench("--concurrency=2", "--requests=20", "--goodput=ttft:10s,itl:9s")
        self.assertIn(done.returncode, (0, 4), done.stderr)  # 4: the machine was too busy
        self.validator.validate(report)
        self.assertEqual(report["requests"], {"sent": 20, "completed": 20, "failed": 0})
        self.assertEqual(report["points"][0]["ttft_ms"], report["ttft_ms"])
        self.assertEqual(report["goodput"]["good_share"], 1)
        self.assertEqual(report["tokens"]["input_counted_mean"], 8)

    def test_several_points_do_not(self):
        done, report = self.bench("--rate=50,100", "--requests=10", "--arrivals=constant")
        self.assertIn(done.returncode, (0, 4), done.stderr)
        self.validator.validate(report)
        self.assertEqual(len(report["points"]), 2)
        self.assertNotIn("ttft_ms", report)

    def test_errors_are_in_it_and_secrets_are_not(self):
        done, report = self.bench("--concurrency=1", "--requests=3", "--token-env=KEY",
                                  model="broken", environment={"KEY": KEY})
        self.assertEqual(done.returncode, 7)
        self.validator.validate(report)
        self.assertEqual(report["errors"][0]["count"], 3)
        self.assertIn("no such key", report["errors"][0]["example"])
        for text in (json.dumps(report), done.stdout, done.stderr):
            self.assertNotIn(KEY, text)

    def test_a_refused_connection_is_a_report_and_a_failure(self):
        done, report = self.bench("--rate=10", "--requests=3", url="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 7)
        self.assertIn("refused", done.stderr)
        self.validator.validate(report)
        self.assertEqual(report["end"], "server-gone")

    def test_a_damaged_report_is_not_valid(self):
        _, good = self.bench("--concurrency=1", "--requests=3")
        for damage in ({"ttft_ms": 3}, {"colour": "red"}, {"end": "bored"}, {"points": [{}]}):
            self.assertFalse(self.validator.is_valid({**good, **damage}), damage)


if __name__ == "__main__":
    unittest.main()
