"""The public clients in Python, Go and Java, over gRPC and REST, call every method of a running
kneepoint-serve; what they make of the answers is what the program says about the same store."""

import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

import clients

MODEL = "openai/gpt-oss-120b"
INFO = {"model": MODEL, "modelServer": "vllm"}
TRANSPORTS = ("grpc", "rest")


def listed(pages, key):
    return [item for page in pages for item in page.get(key, [])]


def public(profile):
    """Of a profile of the program what published clients have fields for."""
    out = {key: profile[key] for key in ("modelServerInfo", "acceleratorType", "instanceType",
                                         "resourcesUsed", "tpuTopology") if key in profile}
    out["performanceStats"] = [
        {key: stats[key] for key in ("queriesPerSecond", "outputTokensPerSecond",
                                     "ntpotMilliseconds", "ttftMilliseconds", "cost")
         if key in stats} for stats in profile["performanceStats"]]
    return out


def comparable(value):
    """Numbers as both sides can hold them: queries per second are single precision, units of a
    dollar an int64 that JSON writes as text, and a zero is no field."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in sorted(value.items())
                if item not in (0, "0", "", [], {})}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, float):
        return struct.unpack("f", struct.pack("f", value))[0]
    return value


ASKS = {
    "names": [("fetch_models", {}), ("fetch_model_servers", {"model": MODEL}),
              ("fetch_model_server_versions", INFO), ("fetch_models", {"pageSize": 0})],
    "profiles": [("fetch_profiles", {"model": MODEL}),
                 ("fetch_profiles", {"model": MODEL, "modelServer": "vllm", "performanceRequirements": {
                     "targetNtpotMilliseconds": 30, "targetCost": {
                         "pricingModel": "on-demand",
                         "costPerMillionOutputTokens": {"units": "2", "nanos": 0}}}})],
    "pages": [("fetch_profiles", {"model": MODEL}), ("fetch_profiles", {"model": MODEL, "pageSize": 7}),
              ("fetch_models", {"pageSize": 3}), ("fetch_models", {})],
    "everything": [("fetch_profiles", {})],
    "benchmarks": [("fetch_benchmarking_data", {"modelServerInfo": INFO, "pricingModel": "on-demand"})],
    "manifest": [("generate_optimized_manifest", {
        "modelServerInfo": INFO, "acceleratorType": "nvidia-h100-80gb", "kubernetesNamespace": "models",
        "performanceRequirements": {"targetNtpotMilliseconds": 40}})],
    "errors": [("fetch_model_servers", {"model": "openai/gpt-oss-121b"}), ("fetch_model_servers", {}),
               ("fetch_profiles", {"model": MODEL, "pageToken": "Mg=="})],
    "compressed": [("fetch_models", {}, "compressed"), ("fetch_models", {})],
}


class EveryClient(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.server = clients.Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__)
        # One process of each client asks all of it: a virtual machine takes seconds to start.
        cls.answers = {}
        for language in clients.LANGUAGES:
            for transport in TRANSPORTS:
                flat = iter(clients.ask(cls.server, language, transport,
                                        [ask for asks in ASKS.values() for ask in asks]))
                cls.answers[language, transport] = {
                    name: [next(flat) for _ in asks] for name, asks in ASKS.items()}

    def each(self, name, check):
        """check(language, transport, answers) for every client."""
        for (language, transport), answers in self.answers.items():
            with self.subTest(language=language, transport=transport):
                check(language, transport, answers[name])

    def test_names_are_those_of_the_store(self):
        models = [row["model"] for row in self.server.kneepoint("models", "list")]
        servers = [row["modelServer"]
                   for row in self.server.kneepoint("model-servers", "list", f"--model={MODEL}")]
        versions = [row["modelServerVersion"] for row in self.server.kneepoint(
            "model-server-versions", "list", f"--model={MODEL}", "--model-server=vllm")]

        def check(_language, _transport, answers):
            first, second, third, fourth = (answer["ok"] for answer in answers)
            self.assertEqual(listed(first, "models"), models)
            self.assertEqual(listed(second, "modelServers"), servers)
            self.assertEqual(listed(third, "modelServerVersions"), versions)
            self.assertEqual(listed(fourth, "models"), models)
            self.assertEqual(len(first), 1)

        self.each("names", check)

    def assert_same_profiles(self, profiles, rows):
        self.assertEqual(len(profiles), len(rows))
        for profile, row in zip(profiles, rows):
            self.assertTrue(profile["instanceType"])
            if "instanceType" not in row:  # nothing is priced: only the API names a machine
                row = row | {key: profile[key] for key in ("instanceType", "tpuTopology")
                             if key in profile}
            self.assertEqual(comparable(public(profile)), comparable(public(row)))

    def test_profiles_are_those_of_the_store(self):
        wanted = [self.server.kneepoint("profiles", "list", f"--model={MODEL}"),
                  self.server.kneepoint("profiles", "list", f"--model={MODEL}", "--model-server=vllm",
                                        "--target-ntpot-milliseconds=30", "--pricing-model=on-demand",
                                        "--target-cost-per-million-output-tokens=2")]

        def check(_language, _transport, answers):
            for answer, rows in zip(answers, wanted):
                self.assertGreater(len(rows), 5)
                self.assert_same_profiles(listed(answer["ok"], "profile"), rows)
                self.assertIn("evidence: ", answer["ok"][0]["comments"])
                self.assertIn("performanceRange", answer["ok"][0])

        self.each("profiles", check)

    def test_pages_together_are_the_whole(self):
        def check(_language, _transport, answers):
            whole, pages, models_paged, models = (answer["ok"] for answer in answers)
            self.assertEqual(len(whole), 1)
            self.assertGreater(len(pages), 3)
            self.assertEqual(listed(pages, "profile"), listed(whole, "profile"))
            self.assertEqual(listed(models_paged, "models"), listed(models, "models"))

        self.each("pages", check)

    def test_every_profile_comes_in_answers_that_default_limits_let_through(self):
        rows = self.server.kneepoint("profiles", "list", "--model=any")

        def check(_language, _transport, answers):
            [answer] = answers
            self.assertNotIn("error", answer)
            self.assertGreater(len(answer["ok"]), 1)
            self.assertEqual(len(listed(answer["ok"], "profile")), len(rows))
            self.assertIn("narrows the list", answer["ok"][0]["comments"])

        self.each("everything", check)

    def test_benchmarking_data_are_those_of_the_store(self):
        rows = self.server.kneepoint("benchmarks", "list", f"--model={MODEL}", "--model-server=vllm",
                                     "--pricing-model=on-demand")
        self.each("benchmarks", lambda _language, _transport, answers: self.assert_same_profiles(
            listed(answers[0]["ok"], "profile"), rows))

    def test_manifests_are_those_of_the_program(self):
        done = subprocess.run(
            [clients.PROGRAM, "manifests", "create", f"--model={MODEL}", "--model-server=vllm",
             "--accelerator-type=nvidia-h100-80gb", "--namespace=models",
             "--target-ntpot-milliseconds=40", f"--store={self.server.store}", "--output=manifest"],
            env=self.server.environment, capture_output=True, text=True, check=True)

        def check(_language, _transport, answers):
            [page] = answers[0]["ok"]
            self.assertEqual("---\n".join(one["content"] for one in page["kubernetesManifests"]),
                             done.stdout)
            kinds = [one["kind"] for one in page["kubernetesManifests"]]
            self.assertIn("Deployment", kinds)
            self.assertIn("HorizontalPodAutoscaler", kinds)
            self.assertTrue(page["comments"])
            self.assertTrue(page["manifestVersion"])

        self.each("manifest", check)

    def test_errors_carry_class_message_and_reason(self):
        classes = {
            ("python", "grpc"): ["NotFound", "InvalidArgument", "InvalidArgument"],
            ("python", "rest"): ["NotFound", "BadRequest", "BadRequest"],
            ("go", "grpc"): ["NotFound", "InvalidArgument", "InvalidArgument"],
            ("go", "rest"): ["NotFound", "InvalidArgument", "InvalidArgument"],
            ("java", "grpc"): ["NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT"],
            ("java", "rest"): ["NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT"]}

        def check(language, transport, answers):
            errors = [answer["error"] for answer in answers]
            self.assertEqual([one["class"] for one in errors], classes[language, transport])
            if (language, transport) != ("java", "rest"):  # that one reads the status line alone
                self.assertIn("did you mean openai/gpt-oss-120b", errors[0]["message"])
                self.assertIn("model: is required", errors[1]["message"])
                self.assertEqual([one["reason"] for one in errors],
                                 ["NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT"])
                self.assertEqual({one["domain"] for one in errors}, {"kneepoint"})

        self.each("errors", check)

    def test_compressed_requests_are_read(self):
        self.each("compressed", lambda _language, _transport, answers: self.assertEqual(
            answers[0], answers[1]))


class Tokens(unittest.TestCase):
    def test_open_the_grpc_door_for_those_who_have_one(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-clients-"))
        self.addCleanup(shutil.rmtree, folder)
        file = folder / "tokens"
        file.write_text("ci read 0123456789abcdef0123456789abcdef\n")
        file.chmod(0o600)
        with clients.Server(f"--token-file={file}") as server:
            ask = [("fetch_models", {})]
            [without] = clients.ask(server, "python", "grpc", ask)
            self.assertEqual(without["error"]["class"], "Unauthenticated")
            [wrong] = clients.ask(server, "python", "grpc", ask, "nobody-knows-this-one-here-00000")
            self.assertEqual(wrong["error"]["class"], "Unauthenticated")
            self.assertNotIn("nobody-knows", str(wrong))
            for transport in TRANSPORTS:
                [right] = clients.ask(server, "python", transport, ask,
                                      "0123456789abcdef0123456789abcdef")
                self.assertIn("ok", right, transport)
        self.assertEqual(server.status, 0)


if __name__ == "__main__":
    unittest.main()
