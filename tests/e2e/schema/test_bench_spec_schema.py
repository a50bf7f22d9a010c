"""A file for `bench run --spec` is valid under docs/schema/bench-spec.v1.json when the program takes it."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("KP_PROGRAM", str(ROOT / "build/dev/kneepoint"))

GOOD = {
    "plain": {"in_flight": 4, "lengths": {"input": 128, "output": 32}, "requests": 10},
    "whole": {
        "schema": "kneepoint.run-spec.v1", "api": "chat", "seed": 7,
        "arrivals": {"pattern": "gamma", "rate": 4, "burstiness": 0.5,
                     "ramp": {"from": 1, "seconds": 10}},
        "in_flight": 64,
        "lengths": {"input": "lognormal:500,400", "output": "uniform:64,256"},
        "prefix": {"groups": 4, "tokens": 256, "prompts_per_group": 8},
        "duration_s": 60},
    "sessions": {"arrivals": {"pattern": "poisson", "rate": 2},
                 "lengths": {"input": "sharegpt-input", "output": "sharegpt-output"},
                 "sessions": {"turns": "uniform:2,6", "think_time": "exponential:4"},
                 "requests": 100},
}
TARGET = {"url": "http://127.0.0.1:9", "model": "m"}
BAD = {
    "a member that is not known": {"colour": "red"},
    "another schema": {"schema": "kneepoint.run-spec.v9"},
    "an api that is none": {"api": "edits"},
    "no url": {"url": ""},
    "nobody in flight": {"in_flight": 0},
    "lengths of nothing": {"lengths": {}},
    "an arrival pattern that is none": {"arrivals": {"pattern": "sideways", "rate": 1}},
    "half a prefix": {"prefix": {"groups": 2}},
    "no time": {"duration_s": 0},
    "a list": {"seed": [1]},
}


class BenchSpec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads((ROOT / "docs/schema/bench-spec.v1.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.schema = schema
        cls.validator = jsonschema.Draft202012Validator(schema)

    def taken(self, text, suffix=".yaml"):
        with tempfile.TemporaryDirectory() as home:
            file = pathlib.Path(home) / ("run" + suffix)
            file.write_text(text)
            done = subprocess.run([PROGRAM, "bench", "run", f"--spec={file}", "--dry-run"],
                                  env={"HOME": home, "PATH": os.environ["PATH"]},
                                  capture_output=True, text=True, timeout=60)
        return done

    def test_both_take_what_is_good(self):
        for name, spec in GOOD.items():
            spec = {**TARGET, **spec}
            self.validator.validate(spec)
            for text, suffix in ((json.dumps(spec), ".json"), (yaml.safe_dump(spec), ".yaml")):
                done = self.taken(text, suffix)
                self.assertEqual(done.returncode, 0, (name, done.stderr))

    def test_both_refuse_what_is_not(self):
        for name, change in BAD.items():
            spec = {**TARGET, **GOOD["plain"], **change}
            self.assertFalse(self.validator.is_valid(spec), name)
            done = self.taken(yaml.safe_dump(spec))
            # 6: of another version
            self.assertIn(done.returncode, (2, 6), (name, done.stdout, done.stderr))

    def test_its_run_is_that_of_the_run_spec(self):
        run = json.loads((ROOT / "docs/schema/run-spec.v1.json").read_text())["properties"]
        own = {"url", "model", "api"}
        self.assertEqual(own | set(run), set(self.schema["properties"]))
        for member in set(run) - {"schema"}:
            self.assertEqual(run[member], self.schema["properties"][member], member)

    def test_the_example_of_the_docs_is_valid(self):
        text = (ROOT / "docs/bench.md").read_text()
        start = text.index("    url: http://127.0.0.1:8000\n")
        lines = text[start:].split("\n\n")[0].splitlines()
        self.validator.validate(yaml.safe_load("\n".join(line[4:] for line in lines)))


if __name__ == "__main__":
    unittest.main()
