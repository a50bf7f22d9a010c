"""Every profile the program writes is valid under docs/schema/profile.v1.json."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KP_PROGRAM", str(ROOT / "build/dev/kneepoint"))


class ProfileSchema(unittest.TestCase):
    def setUp(self):
        schema = json.loads((ROOT / "docs/schema/profile.v1.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def test_every_exported_profile_is_valid(self):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [PROGRAM, "store", "export", "-"],
                env={"HOME": home, "PATH": os.environ["PATH"]},
                capture_output=True,
                check=True,
            )
        profiles = 0
        for line in done.stdout.decode().splitlines():
            document = json.loads(line)
            if "schema" not in document:
                continue  # the header, and which layer follows
            profiles += 1
            self.validator.validate(document)
        tables = [ROOT / f"data/catalog/{name}.csv" for name in ("profiles", "predicted")]
        rows = sum(table.read_text().count("\n") - 1 for table in tables if table.exists())
        self.assertEqual(profiles, rows)

    def test_a_damaged_profile_is_not(self):
        good = {
            "schema": "kneepoint.profile.v1",
            "id": "p",
            "setup": {"model": "m", "model_server": "s", "accelerator": "a", "decoding": "serving"},
            "load_kind": "concurrency",
            "evidence": {"kind": "measured", "source": "me"},
            "points": [{"load": 1}],
        }
        self.validator.validate(good)
        for damage in (
            {"points": []},
            {"points": [{"load": 0}]},
            {"evidence": {"kind": "guessed", "source": "me"}},
            {"colour": "red"},
            {"load_kind": "sideways"},
        ):
            self.assertFalse(self.validator.is_valid({**good, **damage}), damage)


if __name__ == "__main__":
    unittest.main()
