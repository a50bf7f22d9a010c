#!/usr/bin/env python3
"""Makes profiles out of real ones, for timing: the texts, the number of points of each profile and
the shape of its curve stay; ids, model names, accelerator counts and figures vary with the seed.

    make_profiles.py EXPORTED COUNT OUT [--seed=N] [--predicted=SHARE]

EXPORTED is what `kneepoint store export` wrote, OUT is for `kneepoint store import`. The same seed
gives the same file. Three copies in ten keep their model's name, so a question about one model finds
more as the store grows, as it would in life. A share of them is told to be predicted, with bands.
"""

import argparse
import itertools
import json
import random

RATES = ("requests_per_second", "output_tokens_per_second", "input_tokens_per_second")
LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "ntpot_ms", "e2e_ms")


def varied(text, number, dice, share):
    profile = json.loads(text)
    tag = f"{number:06x}"
    for key in ("id", "series_id", "curve_id"):
        if profile.get(key):
            profile[key] += "-" + tag
    setup = profile["setup"]
    if dice.random() >= 0.3:
        setup["model"] += f"-v{dice.randrange(1000)}"
    if "accelerator_count" in setup and "prefill" not in setup and "decode" not in setup:
        setup["accelerator_count"] = dice.choice((1, 2, 4, 8))
        setup.pop("tensor_parallel", None)
    speed = dice.uniform(0.5, 2.0)
    for point in profile["points"]:
        if point.get("id"):
            point["id"] += "-" + tag
        for key in RATES:
            if key in point:
                point[key] = round(point[key] * speed, 4)
        for key in LATENCIES:
            for statistic, value in point.get(key, {}).items():
                point[key][statistic] = round(value / speed, 3)
    if dice.random() < share:
        predicted(profile, dice)
    return json.dumps(profile, separators=(",", ":"), ensure_ascii=False)


def predicted(profile, dice):
    """The same profile as a prediction: evidence, and a band around each mean."""
    profile["id"] = "predicted-" + profile["id"]
    profile["evidence"] = {
        "kind": "predicted", "source": "kneepoint",
        "prediction": {"by": "0123456789abcdef", "nearest": "g-0220719eb6",
                       "extrapolated": "no kernel table of this accelerator: roofline",
                       "ttft_error": round(dice.uniform(1.3, 2.5), 3),
                       "tpot_error": round(dice.uniform(1.05, 1.4), 3), "e2e_error": 1.3}}
    for point in profile["points"]:
        bands = {key: {"low": round(point[key]["mean"] / 1.3, 3),
                       "high": round(point[key]["mean"] * 1.3, 3)}
                 for key in ("ttft_ms", "tpot_ms", "e2e_ms") if "mean" in point.get(key, {})}
        if bands:
            point["band_80"] = bands


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("exported")
    parser.add_argument("count", type=int)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--predicted", type=float, default=0.5)
    args = parser.parse_args()
    with open(args.exported, encoding="utf-8") as lines:
        real = [line for line in lines
                if line.startswith('{"schema"') and '"kind":"predicted"' not in line]
    if not real:
        parser.error(f"no profiles in {args.exported}")
    dice = random.Random(args.seed)
    with open(args.out, "w", encoding="utf-8") as out:
        out.write('{"format":"kneepoint.profiles","version":1}\n')
        for number, text in enumerate(itertools.islice(itertools.cycle(real), args.count)):
            out.write(varied(text, number, dice, args.predicted) + "\n")


if __name__ == "__main__":
    main()
