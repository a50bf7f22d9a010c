"""The model of the HorizontalPodAutoscaler (src/autoscale) decides every sync as the controller's own code
does: fresh scenarios by seed, each played by both, in virtual time. No cluster is started."""

import copy
import json
import os
import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import control_plane

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KNEEPOINT") or ROOT / "build" / "dev" / "kneepoint")
MODEL = PROGRAM.parent / "kneepoint-hpa-scenario"
SEED = int(os.environ.get("KNEEPOINT_HPA_SEED") or 20261122)
COUNT = 400 if os.environ.get("KNEEPOINT_FULL_MATRICES") else 30
METRIC = {"name": "vllm:num_requests_running"}


def rules(draw):
    """One direction of `behavior`."""
    found = {}
    if draw.random() < 0.7:
        found["stabilizationWindowSeconds"] = draw.choice([0, 15, 30, 60, 300, 900])
    if draw.random() < 0.7:
        found["policies"] = [
            {"type": kind, "value": draw.randint(1, 5) if kind == "Pods" else draw.choice([5, 20, 50, 100, 300]),
             "periodSeconds": draw.choice([1, 15, 40, 60, 180, 600])}
            for kind in draw.sample(["Pods", "Percent", "Pods"], draw.randint(1, 3))]
    if draw.random() < 0.5:
        found["selectPolicy"] = draw.choice(["Max", "Max", "Min", "Min", "Disabled"])
    if draw.random() < 0.3:
        found["tolerance"] = draw.choice(["0", "50m", "0.25"])
    return found


def metric(draw):
    value = draw.choice(["1", "2500m", "7", "24", "0.3"])
    kind = draw.choice(["pods", "pods", "average", "value"])
    if kind == "pods":
        return {"type": "Pods", "pods": {"metric": METRIC, "target": {"type": "AverageValue",
                                                                      "averageValue": value}}}
    target = {"type": "AverageValue", "averageValue": value} if kind == "average" else {
        "type": "Value", "value": value}
    return {"type": "External", "external": {"metric": METRIC, "target": target}}


def scenario(draw):
    """Half an hour: steps, ramps and noise of a metric, with one autoscaler."""
    least = draw.randint(1, 4)
    most = least + draw.choice([0, 1, 5, 8, 20, 20, 60])
    spec = {"minReplicas": least, "maxReplicas": most,
            "metrics": [metric(draw) for _ in range(draw.choice([1, 1, 1, 2, 3]))]}
    if draw.random() < 0.75:
        spec["behavior"] = {way: rules(draw) for way in ("scaleUp", "scaleDown") if draw.random() < 0.8}
    # In replicas that the first metric asks for.
    asked = re.search(r'alue": "([\d.]+)(m?)"', json.dumps(spec["metrics"][0]))
    target = float(asked[1]) / (1000 if asked[2] else 1)
    level, now, total = draw.uniform(0, 1.2 * most), 0.0, []
    while now < 1800:
        total.append([now, round(level * target, 3)])
        now += draw.choice([3.5, 7.5, 22.5, 67.5, 127.5, 400])
        level = draw.choice([0, level * draw.uniform(0.8, 1.25), level * draw.uniform(0.3, 3),
                             draw.uniform(0, 1.2 * most)])
        level = min(level, 3 * most)
    return {"hpa": spec, "replicas": draw.choice([least, most, draw.randint(least, most), most + 3]),
            "duration_s": 1800, "startup_s": draw.choice([0, 5, 20, 47.5, 95, 300, 620]), "total": total}


def lines(scenarios):
    return "".join(json.dumps(one) + "\n" for one in scenarios)


def by_model(scenarios):
    done = subprocess.run([MODEL], input=lines(scenarios), capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_controller(scenarios):
    program = control_plane.hpa_controller()
    with tempfile.TemporaryDirectory() as folder:
        answers = pathlib.Path(folder, "answers")
        done = subprocess.run([program, "-test.run=TestScenarios", "-test.timeout=30m", f"-out={answers}"],
                              input=lines(scenarios), capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return [json.loads(line) for line in answers.read_text().splitlines()]


class Hpa(unittest.TestCase):
    def test_every_sync_of_fresh_scenarios_is_decided_alike(self):
        draw = random.Random(SEED)
        scenarios = [scenario(draw) for _ in range(COUNT)]
        model, controller = by_model(scenarios), by_controller(scenarios)
        self.assertEqual((len(model), len(controller)), (COUNT, COUNT))
        syncs = changes = 0
        for one, ours, theirs in zip(scenarios, model, controller):
            syncs += len(theirs)
            replicas = [after for _, after in theirs]
            changes += sum(before != after for before, after in zip([one["replicas"], *replicas], replicas))
            with self.subTest(json.dumps(one)):
                self.assertEqual(ours, theirs)
        print(f"{COUNT} scenarios, {syncs} syncs, {changes} changes of replicas: the model and the controller of"
              f" Kubernetes {control_plane.release()} decide alike (seed {SEED})")
        self.assertGreater(changes, 3 * COUNT)

    def test_it_would_be_seen_if_they_did_not(self):
        draw = random.Random(SEED)
        one = scenario(draw)
        one["hpa"].update(minReplicas=1, maxReplicas=40, metrics=[metric(random.Random(1))], behavior={
            "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}})
        one["replicas"] = 1
        other = copy.deepcopy(one)
        other["hpa"]["behavior"]["scaleUp"]["policies"][0]["value"] = 3
        self.assertNotEqual(by_model([other]), by_controller([one]))
        self.assertEqual(by_model([one, other]), by_controller([one, other]))


if __name__ == "__main__":
    unittest.main()
