"""`bench run` on the way to a server: credentials that appear nowhere, header files, private
authorities, client certificates, proxies."""

import base64
import pathlib
import unittest

import harness
from gateways import Proxy, TlsFront, make_authority, make_certificate
from harness import BenchTest

SECRET = "sk-Zf83-nobody-may-see-this"
SOME = ("--concurrency=2", "--requests=8")


class Credentials(BenchTest):
    def setUp(self):
        super().setUp()
        self.url = self.emulate("--ttft=2ms", "--itl=1ms", KNEEPOINT_EMULATE_TOKEN=SECRET)
        self.file = self.home / "secret-token"
        self.file.write_text(SECRET + "\n")

    def test_a_token_is_used_and_appears_nowhere(self):
        for flag, variables in (("--token-env=MY_KEY", {"MY_KEY": SECRET}),
                                (f"--token-file={self.file}", {})):
            for verb, flags in (("run", SOME), ("sweep", ("--highest=2", "--least-time=200ms",
                                                          "--point-time=200ms"))):
                done, report = self.bench(verb, self.url, flag, *flags, **variables)
                self.assertTrue(report["target"]["authenticated"])
                for point in report["points"]:
                    self.assertGreater(point["requests"]["completed"], 0)
                    self.assertEqual(point["requests"]["failed"], 0)
                    self.assertEqual(point["server"]["server"], "vllm")
                self.assert_nowhere(SECRET, done.stdout, done.stderr)

    def test_nor_while_it_runs_nor_when_it_is_wrong(self):
        process = self.popen("bench", "load", f"--url={self.url}", "--model=m", "--workers=1",
                             "--input-tokens=8", "--output-tokens=4", "--token-env=MY_KEY",
                             MY_KEY=SECRET)
        said = harness.wait_for(
            lambda: pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes(), "the program")
        self.assertNotIn(SECRET.encode(), said)
        harness.wait_for(lambda: "generation_tokens_total" in harness.get(
            self.url + "/metrics", Authorization=f"Bearer {SECRET}"), "a request")
        _, out, err = harness.interrupt(process)
        self.assert_nowhere(SECRET, out, err)
        wrong = SECRET[::-1]
        done, report = self.bench("run", self.url, *SOME, "--token-env=MY_KEY", status=7,
                                  MY_KEY=wrong)
        self.assertIn("401", done.stderr)
        self.assertEqual(report["requests"]["completed"], 0)
        self.assert_nowhere(wrong, done.stdout, done.stderr)
        done, report = self.bench("run", self.url, *SOME, status=7)
        self.assertIn("401", done.stderr)

    def test_a_resumed_run_takes_it_from_the_same_place_again(self):
        self.bench("run", self.url, *SOME, "--token-env=MY_KEY", MY_KEY=SECRET)
        folder = self.run_folders()[0]
        done = self.kneepoint("bench", "resume", folder, status=2)
        self.assertIn("MY_KEY", done.stderr)
        self.kneepoint("bench", "resume", folder, status=(0, 4), MY_KEY=SECRET)
        self.assert_nowhere(SECRET, done.stdout, done.stderr)

    def test_header_fields_come_from_a_file(self):
        fields = self.home / "secret-fields"
        fields.write_text(f"# for the gateway\nAuthorization: Bearer {SECRET}\n\nX-Team: red\n")
        done, report = self.bench("run", self.url, *SOME, f"--header-file={fields}")
        self.assertEqual(report["requests"]["completed"], 8)
        self.assert_nowhere(SECRET, done.stdout, done.stderr)
        for bad in (f"{SECRET}\n", f"Host: {SECRET}\n", f"X-A: b\n: {SECRET}\n"):
            fields.write_text(bad)
            done, report = self.bench("run", self.url, *SOME, f"--header-file={fields}", status=2)
            self.assertIn("line", done.stderr)
            self.assert_nowhere(SECRET, done.stdout, done.stderr)


class Tls(BenchTest):
    def setUp(self):
        super().setUp()
        self.plain = self.emulate("--ttft=5ms", "--itl=1ms")
        self.port = int(self.plain.rpartition(":")[2])
        self.authority = make_authority(self.home, "private-ca")
        self.certificate = make_certificate(self.home, "server", self.authority,
                                            "DNS:model.test,IP:127.0.0.1")

    def front(self, **more):
        front = TlsFront(*self.certificate, self.port, **more)
        self.addCleanup(front.close)
        return front

    def test_a_private_authority(self):
        url = f"https://127.0.0.1:{self.front().port}"
        ca = f"--ca-file={self.authority[0]}"
        _, report = self.bench("run", url, *SOME, ca)
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        self.assertTrue(report["target"]["certificate_verified"])
        self.assertEqual(report["server"]["server"], "vllm")
        done, _ = self.bench("run", url, *SOME, status=None)
        self.assertIn(done.returncode, (2, 3, 7))
        self.assertIn("--ca-file", done.stderr)
        _, report = self.bench("run", url, *SOME, "--insecure")
        self.assertFalse(report["target"]["certificate_verified"])
        _, report = self.bench("sweep", url, ca, "--highest=2", "--least-time=200ms",
                               "--point-time=200ms")
        self.assertEqual(len(report["points"]), 2)

    def test_a_client_certificate(self):
        clients = make_authority(self.home, "clients-ca")
        certificate, key = make_certificate(self.home, "client", clients)
        url = f"https://127.0.0.1:{self.front(client_ca=clients[0]).port}"
        ca = f"--ca-file={self.authority[0]}"
        _, report = self.bench("run", url, *SOME, ca, f"--client-certificate={certificate}",
                               f"--client-key={key}")
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        done, _ = self.bench("run", url, *SOME, ca, status=None)
        self.assertNotIn(done.returncode, (0, 4))
        self.assertIn("client certificate", done.stderr)

    def test_a_resumed_run_trusts_the_same(self):
        url = f"https://127.0.0.1:{self.front().port}"
        self.bench("run", url, *SOME, f"--ca-file={self.authority[0]}")
        self.kneepoint("bench", "resume", self.run_folders()[0], status=(0, 4))


class Proxies(BenchTest):
    def setUp(self):
        super().setUp()
        self.plain = self.emulate("--ttft=5ms", "--itl=1ms")
        self.port = int(self.plain.rpartition(":")[2])

    def test_http_goes_through_it_with_the_whole_address(self):
        user = base64.b64encode(b"me:hush-hush").decode()
        proxy = Proxy(self.port, user=user)
        self.addCleanup(proxy.close)
        address = f"http://me:hush-hush@127.0.0.1:{proxy.port}"
        done, report = self.bench("run", "http://model.test", *SOME, http_proxy=address)
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        self.assertTrue(any("POST http://model.test/v1/completions" in head
                            for head in proxy.heads), proxy.heads[:2])
        self.assert_nowhere("hush-hush", done.stdout, done.stderr)
        self.assert_nowhere(user, done.stdout, done.stderr)
        proxy.heads.clear()
        done, report = self.bench("run", "http://model.test", *SOME, status=None,
                                  http_proxy=f"http://me:wrong-word@127.0.0.1:{proxy.port}")
        self.assertNotIn(done.returncode, (0, 4))
        self.assertIn("407", done.stderr)
        self.assert_nowhere("wrong-word", done.stdout, done.stderr)

    def test_https_goes_through_a_tunnel(self):
        authority = make_authority(self.home, "private-ca")
        certificate = make_certificate(self.home, "server", authority, "DNS:model.test")
        front = TlsFront(*certificate, self.port)
        self.addCleanup(front.close)
        proxy = Proxy(self.port, tls_port=front.port)
        self.addCleanup(proxy.close)
        _, report = self.bench("run", "https://model.test", *SOME, f"--ca-file={authority[0]}",
                               https_proxy=f"http://127.0.0.1:{proxy.port}")
        self.assertEqual(report["requests"], {"sent": 8, "completed": 8, "failed": 0})
        self.assertTrue(all(head.startswith("CONNECT model.test:443") for head in proxy.heads))

    def test_no_proxy_and_this_machine_are_spoken_to_directly(self):
        nobody = "http://127.0.0.1:1"
        _, report = self.bench("run", self.plain, *SOME, http_proxy=nobody)
        self.assertEqual(report["requests"]["completed"], 8)
        done, _ = self.bench("run", "http://model.test", *SOME, status=None, http_proxy=nobody)
        self.assertNotIn(done.returncode, (0, 4))
        self.assertIn("127.0.0.1:1", done.stderr)


if __name__ == "__main__":
    unittest.main()
