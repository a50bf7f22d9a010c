"""What each known client was seen to send, byte by byte, to a running kneepoint-serve: spellings,
queries, encodings, errors. No client library stands between; gcloud itself is not at hand here."""

import gzip
import http.client
import json
import re
import socket
import subprocess
import unittest

import clients

MODEL = "openai/gpt-oss-120b"


class Wire(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = clients.Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__)

    def send(self, method, path, body=None, **fields):
        host, port = self.server.rest.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.addCleanup(connection.close)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        if answer.getheader("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        return answer, data

    def get(self, path, **fields):
        answer, data = self.send("GET", path, **fields)
        self.assertEqual(answer.status, 200, data[:500])
        self.assertEqual(answer.getheader("Content-Type"), "application/json; charset=utf-8")
        return json.loads(data)

    def post(self, path, body, **fields):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer, data = self.send("POST", path, text, **({"Content_Type": "application/json"} | fields))
        self.assertEqual(answer.status, 200, data[:500])
        return json.loads(data)

    def refused(self, method, path, body=None):
        answer, data = self.send(method, path, body)
        error = json.loads(data)["error"]
        self.assertEqual(error["code"], answer.status)
        [info] = error["details"]
        self.assertEqual(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo")
        self.assertEqual(info["domain"], "kneepoint")
        return answer.status, error["status"], error["message"]

    # --- queries

    def test_queries_of_every_client_ask_the_same(self):
        wanted = self.get(f"/v1/modelServers:fetch?model={MODEL.replace('/', '%2F')}")
        self.assertIn("vllm", wanted["modelServers"])
        for query in (f"model={MODEL}",  # the notebook: a raw slash
                      f"$alt=json;enum-encoding%3Dint&model={MODEL}",  # Java: raw $ and ;
                      f"%24alt=json%3Benum-encoding%3Dint&model={MODEL.replace('/', '%2F')}",  # Go
                      f"model=openai%2Fgpt-oss-120b&%24alt=json%3Benum-encoding%3Dint",  # Python
                      f"alt=json&model=openai%2Fgpt-oss-120b",  # gcloud
                      f"model={MODEL}&prettyPrint=false&key=k&fields=x&quotaUser=u&access_token=t"):
            self.assertEqual(self.get("/v1/modelServers:fetch?" + query), wanted, query)

    def test_a_trailing_slash_of_the_endpoint_does_no_harm(self):
        self.assertEqual(self.get("//v1/models:fetch"), self.get("/v1/models:fetch"))

    def test_page_sizes_come_as_text_and_tokens_percent_encoded(self):
        first = self.get("/v1/models:fetch?pageSize=2&%24alt=json%3Benum-encoding%3Dint",
                         Content_Type="application/json")
        self.assertEqual(len(first["models"]), 2)
        token = "".join(f"%{byte:02X}" for byte in first["nextPageToken"].encode())
        second = self.get(f"/v1/models:fetch?page_size=2&page_token={token}")
        self.assertNotEqual(second["models"], first["models"])
        status, code, message = self.refused("GET", "/v1/models:fetch?pageToken=Mg%3D%3D")
        self.assertEqual((status, code), (400, "INVALID_ARGUMENT"))
        self.assertIn("pageToken", message)

    def test_a_get_may_carry_an_empty_body(self):
        answer, _ = self.send("GET", "/v1/models:fetch?alt=json", b"", accept="application/json")
        self.assertEqual(answer.status, 200)

    # --- bodies

    def test_the_notebooks_mixed_body_is_read(self):
        body = {"model_server_info": {"model": MODEL, "modelServer": "vllm", "modelServerVersion": ""}}
        self.assertTrue(self.post("/v1/benchmarkingData:fetch", body)["profile"])
        answer = self.post("/v1/profiles:fetch", {
            "model": MODEL, "model_server": "vllm", "model_server_version": "",
            "performance_requirements": {
                "target_ntpot_milliseconds": None, "target_ttft_milliseconds": None,
                "target_cost": {"cost_per_million_output_tokens": {"nanos": 1500000000},
                                "cost_per_million_input_tokens": None, "pricing_model": "spot"}}})
        self.assertTrue(answer["profile"])
        for profile in answer["profile"]:
            cost = profile["performanceStats"][0]["cost"][0]["costPerMillionOutputTokens"]
            self.assertLessEqual(int(cost["units"]) + cost["nanos"] / 1e9, 1.5)

    def test_gclouds_body_is_read(self):
        answer = self.post("/v1/profiles:fetch?alt=json", {
            "model": MODEL, "performanceRequirements": {
                "targetCost": {"costPerMillionInputTokens": {"nanos": 0, "units": "0"},
                               "costPerMillionOutputTokens": {"nanos": 500000000, "units": "1"},
                               "pricingModel": "on-demand"}, "targetItlMilliseconds": 50},
            "workloadSpec": {"useCase": "Chatbot (ShareGPT)"}})
        self.assertTrue(answer["profile"])

    def test_an_empty_body_and_an_empty_object_are_no_conditions(self):
        self.assertEqual(self.post("/v1/profiles:fetch", b""), self.post("/v1/profiles:fetch", {}))

    def test_compressed_bodies_are_read(self):
        body = {"model": MODEL}
        packed = gzip.compress(json.dumps(body).encode())
        self.assertEqual(self.post("/v1/profiles:fetch", packed, Content_Encoding="gzip"),
                         self.post("/v1/profiles:fetch", body))

    # --- answers

    def test_answers_have_what_the_strictest_client_needs(self):
        for profile in self.post("/v1/profiles:fetch", {})["profile"]:
            self.assertTrue(profile["instanceType"] and profile["acceleratorType"])
            self.assertTrue(profile["modelServerInfo"]["model"])
            for value in profile.get("modelInfo", {}).values():
                self.assertGreater(value, 0)
            self.assertIsInstance(profile["workloadSpec"], dict)
            [stats] = profile["performanceStats"]
            for key, value in stats.items():
                if key == "cost":
                    for cost in value:
                        for way in ("costPerMillionInputTokens", "costPerMillionOutputTokens"):
                            self.assertIs(type(cost[way]["nanos"]), int)
                            self.assertIs(type(cost[way]["units"]), str)
                elif key != "queriesPerSecond":
                    self.assertIs(type(value), int, key)
                    self.assertGreater(value, 0)
            self.assertIn(profile["kneepointEvidence"]["kind"], ("measured", "published", "predicted"))

    def test_lists_are_there_when_empty(self):
        body = {"model": MODEL, "performanceRequirements": {"targetNtpotMilliseconds": 1}}
        answer = self.post("/v1/profiles:fetch", body)
        self.assertEqual(answer["profile"], [])
        self.assertIn("reachable NTPOT", answer["comments"])
        self.assertEqual(self.get(f"/v1/modelServerVersions:fetch?model={MODEL}&modelServer=none"),
                         {"modelServerVersions": []})

    def test_answers_are_packed_for_those_who_take_it(self):
        body = json.dumps({"model": MODEL}).encode()
        packed, data = self.send("POST", "/v1/profiles:fetch", body, Accept_Encoding="gzip, deflate")
        self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
        self.assertTrue(json.loads(data)["profile"])

    def test_json_only_methods_of_the_newest_client(self):
        cases = self.post("/v1/useCases:fetch?alt=json", {})["workloadSpecs"]
        self.assertIn("Chatbot (ShareGPT)", [case["useCase"] for case in cases])
        self.assertIn("servingStacks", self.get("/v1/servingStacks:fetch?alt=json"))
        self.assertIn("servingStackVersions",
                      self.get("/v1/servingStackVersions:fetch?servingStack=llm-d"))

    # --- errors

    def test_what_will_not_change_by_waiting_is_a_4xx(self):
        for method, path, body, status, code, part in (
                ("GET", "/v1/modelServers:fetch", None, 400, "INVALID_ARGUMENT", "model: is required"),
                ("GET", "/v1/modelServers:fetch?model=x", None, 404, "NOT_FOUND", "unknown model"),
                ("POST", "/v1/profiles:fetch", b"{", 400, "INVALID_ARGUMENT", "not JSON"),
                ("POST", "/v1/profiles:fetch", b"[]", 400, "INVALID_ARGUMENT", "JSON object"),
                ("POST", "/v1/profiles:fetch", b'{"modle": "x"}', 400, "INVALID_ARGUMENT",
                 "modle: unknown field; did you mean model?"),
                ("POST", "/v1/profiles:fetch", b'{"pageSize": "two"}', 400, "INVALID_ARGUMENT",
                 "pageSize: must be a whole number"),
                ("POST", "/v1:generateOptimizationSetManifest", b"{}", 404, "NOT_FOUND",
                 "POST /v1/optimizedManifest:generate"),
                ("GET", "/v1/nothing:fetch", None, 404, "NOT_FOUND", "")):
            said = self.refused(method, path, body)
            self.assertEqual(said[:2], (status, code), path)
            self.assertIn(part, said[2])

    def test_a_write_of_another_process_is_seen_at_once(self):
        path = f"/v1/modelServers:fetch?model={MODEL}"
        self.assertNotIn("own-engine", self.get(path)["modelServers"])
        header, *lines = self.program("store", "export", "-").splitlines()
        profile = next(one for one in map(json.loads, lines)
                       if one.get("setup", {}).get("model") == MODEL)
        profile["id"] = "own-1"
        profile["setup"]["model_server"] = "own-engine"
        self.program("store", "import", "-", stdin=f"{header}\n{json.dumps(profile)}\n")
        self.assertIn("own-engine", self.get(path)["modelServers"])

    def program(self, *arguments, stdin=""):
        done = subprocess.run([clients.PROGRAM, *arguments, f"--store={self.server.store}"],
                                      env=self.server.environment, input=stdin, capture_output=True,
                                      text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_raw_socket_gets_a_whole_answer(self):
        host, port = self.server.rest.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as wire:
            wire.sendall(b"GET /v1/models:fetch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = b"".join(iter(lambda: wire.recv(65536), b""))
        head, _, body = said.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertTrue(re.search(rb"(?i)x-request-id: \S+", head), head)
        self.assertTrue(json.loads(body)["models"])

    def test_metrics_count_verbs(self):
        self.get("/v1/models:fetch")
        _, data = self.send("GET", "/metrics")
        self.assertRegex(data.decode(),
                         r'kneepoint_verb_requests_total\{verb="FetchModels",outcome="OK"\} [1-9]')


if __name__ == "__main__":
    unittest.main()
