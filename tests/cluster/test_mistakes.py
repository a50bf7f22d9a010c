"""The API server refuses what is wrong, for the reason we name, and takes what is right.

good.yaml and mistakes.yaml are the facts. What the server takes although it is wrong is there too:
that is for `kneepoint` to notice.
"""

import copy
import pathlib
import re
import unittest

import yaml

import control_plane

HERE = pathlib.Path(__file__).resolve().parent
GOOD = yaml.safe_load((HERE / "good.yaml").read_text())
MISTAKES = yaml.safe_load((HERE / "mistakes.yaml").read_text())
SHORT = {"pod": ["spec", "template", "spec"], "container": ["spec", "template", "spec", "containers", "0"]}


def steps(path):
    parts = [part.replace("~1", "/") for part in path.split("/")]
    return SHORT.get(parts[0], parts[:1]) + parts[1:]


def holder(node, path):
    """The mapping or list that the last step of a path is in, and that step as a key of it."""
    *before, last = steps(path)
    for step in before:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    return (node, int(last)) if isinstance(node, list) else (node, last)


def put(node, path, value):
    inside, last = holder(node, path)
    if isinstance(inside, list) and last == len(inside):
        inside.append(value)
    else:
        inside[last] = value


def changed(name, change):
    found = copy.deepcopy(GOOD[name])
    for path, value in change.get("set", {}).items():
        put(found, path, value)
    for path, (letter, times) in change.get("repeat", {}).items():
        put(found, path, letter * times)
    for path in change.get("remove", []):
        inside, last = holder(found, path)
        del inside[last]
    return found


def cases(group):
    return {f"{name}: {what}": (name, change)
            for name, changes in MISTAKES[group].items() for what, change in changes.items()}


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = control_plane.shared()

    def verdicts(self, objects):
        texts = {key: yaml.safe_dump(value) for key, value in objects.items()}
        found = {one["id"]: one for one in self.cluster.dry_run(texts)}
        self.assertEqual(set(found), set(objects))
        return found

    def test_every_good_object_is_accepted(self):
        for name, one in self.verdicts(GOOD).items():
            with self.subTest(name):
                self.assertTrue(one["accepted"], one.get("message"))

    def test_every_mistake_is_refused_for_the_reason_we_name(self):
        wrong = cases("refused")
        found = self.verdicts({key: changed(*case) for key, case in wrong.items()})
        for key, (_, change) in wrong.items():
            with self.subTest(key):
                self.assertFalse(found[key]["accepted"])
                self.assertIn(change["says"], found[key]["message"])
        count = sum(not one["accepted"] for one in found.values())
        print(f"{count} of {len(wrong)} mistakes in {len(MISTAKES['refused'])} kinds of objects are refused")

    def test_some_are_accepted_all_the_same(self):
        wrong = cases("accepted")
        found = self.verdicts({key: changed(*case) for key, case in wrong.items()})
        for key, (_, change) in wrong.items():
            with self.subTest(key, because=change["because"]):
                self.assertTrue(found[key]["accepted"], found[key].get("message"))

    def test_kubectl_says_the_same(self):
        """dry_run is a shortcut of ours for what kubectl does; a sample shows that it is no other way."""
        wrong = cases("refused")
        for key in sorted(wrong)[::12]:
            with self.subTest(key), self.assertRaises(control_plane.Failed) as refused:
                self.cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-",
                                     text=yaml.safe_dump(changed(*wrong[key])))
            self.assertIn(wrong[key][1]["says"], str(refused.exception))
        self.cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-",
                             text=yaml.safe_dump_all(GOOD.values()))

    def test_a_key_that_is_there_twice_is_refused(self):
        text = yaml.safe_dump(GOOD["service"])
        text = re.sub(r"(?m)^spec:$", "spec:\n  type: ClusterIP\n  type: NodePort", text)
        one = self.cluster.dry_run({"twice": text})[0]
        self.assertFalse(one["accepted"])
        self.assertIn('key "type" already set', one["message"])


if __name__ == "__main__":
    unittest.main()
