"""The documents of kneepoint.v1 are those that proto and table give, and what they hold is OpenAPI 3.1."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs/api/openapi.json"


def in_environment():
    """This file again, with the validator's packages: they are kept between runs."""
    sys.path.insert(0, str(HERE.parent / "servers"))
    import hashlib
    import model_server
    name = hashlib.sha256((HERE / "python.txt").read_bytes()).hexdigest()[:12]
    folder = model_server.made_once(
        model_server.cache_folder() / "openapi" / name,
        lambda at: model_server.make_environment(at / "venv", ["-r", HERE / "python.txt"]),
        "the OpenAPI validator", 100)
    python = folder / "venv" / "bin" / "python"
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


try:
    from openapi_spec_validator import OpenAPIV31SpecValidator
except ImportError:
    if __name__ == "__main__" and "KP_OPENAPI_ENVIRONMENT" not in os.environ:
        os.environ["KP_OPENAPI_ENVIRONMENT"] = "made"
        in_environment()
    raise


class OpenApi(unittest.TestCase):
    def test_the_documents_are_up_to_date(self):
        verbs = subprocess.run([os.environ["KP_DOCS"], "verbs"], check=True, capture_output=True).stdout
        with tempfile.NamedTemporaryFile() as file:
            file.write(verbs)
            file.flush()
            done = subprocess.run(
                [sys.executable, ROOT / "tools/openapi.py", ROOT / "proto/kneepoint/v1/kneepoint.proto", file.name,
                 os.environ["KP_VERSION"], ROOT / "docs/api", "--check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_document_is_valid(self):
        document = json.loads(DOCUMENT.read_text())
        self.assertEqual([str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()], [])

    def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name(self):
        document = json.loads(DOCUMENT.read_text())
        names = set()
        for path, methods in document["paths"].items():
            for operation in methods.values():
                self.assertNotIn(operation["operationId"], names)
                names.add(operation["operationId"])
                in_path = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
                self.assertEqual(in_path, set(part.split("}")[0] for part in path.split("{")[1:]), path)
        schemas = document["components"]["schemas"]
        for line in DOCUMENT.read_text().splitlines():
            if '"$ref"' in line:
                self.assertIn(line.split("/")[-1].strip('",'), schemas)


if __name__ == "__main__":
    unittest.main()
