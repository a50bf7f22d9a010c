"""`kneepoint doctor` says of a manifest, without asking anybody, what a real API server says.

Good manifests of the program are changed by seed (mutants.py). Each changed object goes to the server, alone,
as the server looks at it, and to doctor. They agree where the server refuses and doctor has an error, and
where the server accepts and doctor has none.
"""

import collections
import concurrent.futures
import json
import os
import random
import subprocess
import tempfile
import unittest

import yaml

import control_plane
import mutants
import test_manifests
import test_mistakes

# What doctor's rules were written on is another seed than the one they are held to here.
SEED = int(os.environ.get("KNEEPOINT_MUTANTS_SEED") or 20261122)
FULL = bool(os.environ.get("KNEEPOINT_FULL_MATRICES"))
EACH = int(os.environ.get("KNEEPOINT_MUTANTS") or (50 if FULL else 15))
LEAST = 0.95
SECTION = """
`kneepoint doctor` judges manifests without a cluster. To see whether it judges as the server does, good
manifests are changed by seed: by {mistakes} mistakes that the server refuses, and by {slips} slips that it may
take or not. A change that the server refuses and doctor has no error for is missed; one that it accepts and
doctor has an error for is a false alarm. The rules were written while looking at seeds 1 and 2 only.

{{said}}:

{{table}}
What is left of false alarms is mostly meant: pod templates within a LeaderWorkerSet, behaviour within a
ScaledObject and rules without alert, record or expression are taken by the API server and refused later, by
the controller or the operator's webhook. What the program itself writes has no finding of severity error.

`cluster.all` draws 15 of each change; all 50 are drawn in `tools/release-check` (`KNEEPOINT_FULL_MATRICES=1`),
and with `UPDATE_GOLDEN=1` this section is written again.
""".format(mistakes=len(mutants.MISTAKES), slips=len(mutants.SLIPS))


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()
        home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(home.cleanup)
        cls.environment = {"HOME": home.name, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                           "SOURCE_DATE_EPOCH": "1795219200"}
        cls.pool = cls.enterClassContext(concurrent.futures.ThreadPoolExecutor(os.cpu_count()))
        have = {one["metadata"]["name"] for one in cls.cluster.get("namespaces")["items"]}
        for name in set(test_manifests.NAMESPACES) - have:
            cls.cluster.kubectl("create", "namespace", name)
        cls.texts = cls.written(random.Random(SEED))

    @classmethod
    def run_program(cls, *arguments, text=""):
        return subprocess.run([test_manifests.PROGRAM, *arguments], env=cls.environment, input=text,
                              capture_output=True, text=True, check=False, timeout=60)

    @classmethod
    def written(cls, draw):
        """Manifests of measured setups and of shapes, with options drawn."""
        asked = list(test_manifests.choices(test_manifests.measured()))
        shaped = list(test_manifests.choices(test_manifests.shaped()))
        asked = draw.sample(asked, 120) + draw.sample(shaped, 60)
        made = cls.pool.map(lambda one: cls.run_program("manifests", "create", *test_manifests.flags_of(*one)),
                            asked)
        return [test_manifests.split_off(done.stdout)[0] for done in made if done.returncode == 0]

    @classmethod
    def errors(cls, text, severity="error"):
        """The names of what doctor calls an error, or a warning."""
        done = cls.run_program("doctor", "--as=manifest", f"--severity={severity}", "--format=json", "-", text=text)
        if done.returncode not in (0, 1, 4):
            raise AssertionError(f"doctor ended with {done.returncode}: {done.stderr}\n{text}")
        return [one["id"] for one in json.loads(done.stdout)["findings"]]

    def test_it_has_no_error_for_what_is_written(self):
        for text, errors in zip(self.texts, self.pool.map(self.errors, self.texts)):
            with self.subTest(text[:300]):
                self.assertEqual(errors, [])

    def test_it_names_the_known_mistakes(self):
        """Those that the server refuses, and those that it lets through."""
        for group, share, severity in (("refused", 0.94, "error"), ("accepted", 1.0, "warning")):
            cases = test_mistakes.cases(group)
            found = self.pool.map(lambda case, severity=severity: self.errors(
                yaml.safe_dump(test_mistakes.changed(*case)), severity), cases.values())
            unnamed = [name for name, findings in zip(cases, found) if not findings]
            print(f"doctor names {len(cases) - len(unnamed)} of {len(cases)} mistakes that are {group}; not: {unnamed}")
            self.assertGreaterEqual(len(cases) - len(unnamed), share * len(cases), unnamed)

    def test_it_agrees_with_the_server_on_changed_manifests(self):
        documents = [document for text in self.texts for document in yaml.safe_load_all(text) if document]
        made = list(mutants.mutants(documents, SEED, EACH))
        texts = [yaml.safe_dump(document) for _, _, document, _ in made]
        verdicts = self.cluster.dry_run((str(number), text) for number, text in enumerate(texts))
        self.assertEqual([int(one["id"]) for one in verdicts], list(range(len(made))))
        rows = collections.defaultdict(collections.Counter)
        for (name, _, document, _), text, verdict, errors in zip(
                made, texts, verdicts, self.pool.map(self.errors, texts)):
            row = rows[name]
            row["refused" if not verdict["accepted"] else "accepted"] += 1
            if verdict["accepted"] == bool(errors):
                row["false alarm" if errors else "missed"] += 1
                if os.environ.get("KNEEPOINT_SHOW"):
                    print(f"--- {name}: {verdict.get('message', 'accepted')[:300]} | doctor: {errors}")
                    print(text if os.environ.get("KNEEPOINT_SHOW") == "all" else verdict["kind"])
        self.assertEqual(set(rows), set(mutants.MISTAKES | mutants.SLIPS))
        agree, table = 0, "| change | refused | accepted | missed | false alarm |\n|---|---|---|---|---|\n"
        for name, row in sorted(rows.items()):
            table += (f"| {name} | {row['refused']} | {row['accepted']} | {row['missed'] or ''} |"
                      f" {row['false alarm'] or ''} |\n")
            agree += row["refused"] + row["accepted"] - row["missed"] - row["false alarm"]
        said = (f"doctor and the server agree on {agree} of {len(made)} changed manifests"
                f" ({100 * agree / len(made):.1f} %, seed {SEED})")
        print(table + said)
        self.assertGreaterEqual(agree, LEAST * len(made))
        if os.environ.get("UPDATE_GOLDEN") and EACH >= 50:
            before, _, _ = test_manifests.PAGE.read_text(encoding="utf-8").partition(test_manifests.DOCTOR)
            test_manifests.PAGE.write_text(before + test_manifests.DOCTOR + SECTION.format(
                said=said[0].upper() + said[1:], table=table), encoding="utf-8")


if __name__ == "__main__":
    unittest.main()
