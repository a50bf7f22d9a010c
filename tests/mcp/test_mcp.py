"""`kneepoint mcp` under the official client: every tool on the shipped data, progress, cancellation."""

import asyncio
import hashlib
import json
import os
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
LIMIT = 120  # seconds for one call: a loaded machine, a debug build


def in_environment():
    """This file again, with the client's packages: they are kept between runs."""
    sys.path.insert(0, str(HERE.parent / "servers"))
    import model_server
    name = hashlib.sha256((HERE / "python.txt").read_bytes()).hexdigest()[:12]
    folder = model_server.made_once(
        model_server.cache_folder() / "mcp" / name,
        lambda at: model_server.make_environment(at / "venv", ["-r", HERE / "python.txt"]),
        "the MCP client", 200)
    python = folder / "venv" / "bin" / "python"
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


try:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
except ImportError:
    if __name__ == "__main__" and "KP_MCP_ENVIRONMENT" not in os.environ:
        os.environ["KP_MCP_ENVIRONMENT"] = "made"
        in_environment()
    raise


class Mcp(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def server(self):
        return stdio_client(StdioServerParameters(
            command=os.environ["KNEEPOINT"], args=["mcp", "--store", self.folder.name + "/store.db"],
            env={"HOME": self.folder.name, "PATH": os.environ["PATH"]}))

    async def with_session(self, work):
        async with self.server() as (read, write):
            async with ClientSession(read, write) as session:
                answer = await session.initialize()
                return await work(session, answer)

    async def call(self, session, name, arguments=None, **more):
        return await asyncio.wait_for(session.call_tool(name, arguments or {}, **more), LIMIT)

    async def good(self, session, name, arguments=None, **more):
        result = await self.call(session, name, arguments, **more)
        self.assertFalse(result.is_error, f"{name}: {result.content[0].text[:500]}")
        return result.structured_content

    async def test_names_of_the_known_integrations_answer(self):
        async def work(session, _):
            names = [tool.name for tool in (await session.list_tools()).tools]
            for known in ("giq_fetch_models", "giq_fetch_model_servers", "giq_fetch_model_server_versions",
                          "giq_fetch_profiles", "giq_generate_manifest"):
                self.assertIn(known, names)
            models = (await self.good(session, "giq_fetch_models"))["models"]
            self.assertIn(MODEL, models)
            servers = (await self.good(session, "giq_fetch_model_servers", {"model": MODEL}))["modelServers"]
            self.assertIn("vllm", servers)
            versions = await self.good(session, "giq_fetch_model_server_versions",
                                       {"model": MODEL, "model_server": "vllm"})
            self.assertTrue(versions["modelServerVersions"])
            profiles = await self.good(session, "giq_fetch_profiles", {"model": MODEL, "model_server": "vllm"})
            self.assertTrue(all(one["modelServerInfo"]["model"] == MODEL for one in profiles["profile"]))
            made = await self.call(session, "giq_generate_manifest", {
                "model": MODEL, "model_server": "vllm", "accelerator": "nvidia-l4",
                "target_ntpot_milliseconds": "200"})
            self.assertFalse(made.is_error, made.content[0].text)
            self.assertIn("kind: Deployment", made.content[0].text)
        await self.with_session(work)

    async def test_a_person_gets_from_a_question_to_a_manifest(self):
        async def work(session, answer):
            self.assertEqual(answer.server_info.name, "kneepoint")
            ranked = await self.good(session, "kneepoint_recommend", {
                "model": MODEL, "targets": [{"metric": "ttft", "milliseconds": 1000}]})
            best = ranked["choices"][0]
            self.assertIn(best["kneepoint"]["evidence"]["kind"], ("measured", "published", "predicted"))
            curve = await self.good(session, "kneepoint_profile", {"id": best["kneepoint"]["profile"]})
            self.assertTrue(curve["profile"]["points"])
            compared = await self.good(session, "kneepoint_compare", {
                "ids": [one["kneepoint"]["profile"] for one in ranked["choices"][:2]]})
            self.assertEqual(len(compared["curves"]), 2)
            made = await self.call(session, "kneepoint_manifest", {
                "model": MODEL, "acceleratorType": "nvidia-l4", "namespace": "chat"})
            self.assertIn("namespace: chat", made.content[0].text)
            found = await self.good(session, "kneepoint_doctor", {
                "log": "torch.OutOfMemoryError: CUDA out of memory."})
            self.assertEqual(found["findings"][0]["id"], "cuda-oom")
            for name in ("kneepoint_models", "kneepoint_use_cases", "kneepoint_info"):
                await self.good(session, name)
        await self.with_session(work)

    async def test_a_prediction_tells_progress_and_bands(self):
        told = []

        async def progress(done, total, message):
            told.append((done, total, message))

        async def work(session, _):
            got = await self.good(session, "kneepoint_predict", {
                "model": MODEL, "acceleratorType": "nvidia-h100-80gb", "concurrency": [1, 8],
                "inputLength": 128, "outputLength": 32}, progress_callback=progress)
            for point in got["profile"]["points"]:
                band = point["band80Milliseconds"]["ttft"]
                self.assertLess(band["low"], point["latencyMilliseconds"]["ttft"]["mean"])
                self.assertGreater(band["high"], point["latencyMilliseconds"]["ttft"]["mean"])
        await self.with_session(work)
        self.assertTrue(told)

    async def test_a_wrong_argument_is_told_so_that_the_model_can_mend_it(self):
        async def work(session, _):
            for arguments, part in (({"model": "meta-lama/Llama-3.1-8B-Instruct"}, "did you mean"),
                                    ({"model": MODEL, "modle": 1}, "no such field"), ({}, "model")):
                result = await self.call(session, "kneepoint_recommend", arguments)
                self.assertTrue(result.is_error)
                self.assertIn(part, result.content[0].text)
            await self.good(session, "kneepoint_use_cases")
        await self.with_session(work)

    async def test_lines_of_no_protocol_do_not_end_it(self):
        process = await asyncio.create_subprocess_exec(
            os.environ["KNEEPOINT"], "mcp", "--store", self.folder.name + "/store.db",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={"HOME": self.folder.name})
        ping = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
        lines = [b"\x00\xff\xfe", b"{" * 5000, b"[1,2]", b'"' + b"x" * (17 << 20) + b'"', ping]
        out, _ = await asyncio.wait_for(process.communicate(b"\n".join(lines) + b"\n"), LIMIT)
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(answers), len(lines))
        self.assertEqual(answers[-1], {"jsonrpc": "2.0", "id": 1, "result": {}})
        self.assertTrue(all("error" in answer for answer in answers[:-1]))


if __name__ == "__main__":
    unittest.main()
