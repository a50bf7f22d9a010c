#!/usr/bin/env python3
"""Draws knee.svg from one curve of data/catalog/points.csv: docs/metrics/knee_svg.py > docs/metrics/knee.svg"""
import csv
import math
import pathlib

CURVE = "s-ab876a1d4b"
ROOT = pathlib.Path(__file__).resolve().parents[2]
W, LEFT, RIGHT = 720, 70, 20
PANELS = [  # column, title, top, height, lowest, highest, logarithmic, ticks
    ("output_tokens_per_second", "output tokens/s", 44, 170, 0, 3500, False, [0, 1000, 2000, 3000]),
    ("ttft_mean_ms", "TTFT mean, ms", 262, 120, 100, 200000, True, [100, 1000, 10000, 100000]),
    ("power", "power (highest = 1)", 430, 90, 0, 1.1, False, [0, 0.5, 1]),
]


def points():
    with open(ROOT / "data/catalog/points.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["profile"] == CURVE]
    result = [{c: float(row[c]) for c in ("load", "output_tokens_per_second", "ttft_mean_ms")} for row in rows]
    for point in result:
        point["power"] = point["output_tokens_per_second"] ** 5 / point["load"]
    highest = max(point["power"] for point in result)
    for point in result:
        point["power"] /= highest
    return sorted(result, key=lambda point: point["load"])


def main():
    curve = points()
    knee = max(curve, key=lambda point: point["power"])
    low, high = math.log2(curve[0]["load"]), math.log2(curve[-1]["load"])

    def x(load):
        return LEFT + 20 + (math.log2(load) - low) / (high - low) * (W - LEFT - RIGHT - 40)

    out = []
    bottom = PANELS[-1][2] + PANELS[-1][3]
    for column, title, top, height, lowest, highest, logarithmic, ticks in PANELS:
        def y(value):
            share = (value - lowest) / (highest - lowest)
            if logarithmic:
                share = math.log(value / lowest) / math.log(highest / lowest)
            return top + height * (1 - share)

        out.append(f'<rect x="{LEFT}" y="{top}" width="{x(knee["load"]) - LEFT:.1f}" height="{height}" fill="#e8f3ec"/>')
        out.append(f'<rect x="{x(knee["load"]):.1f}" y="{top}" width="{W - RIGHT - x(knee["load"]):.1f}" height="{height}" fill="#f7e9e6"/>')
        out.append(f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{title}</text>')
        for tick in ticks:
            out.append(f'<line x1="{LEFT}" x2="{W - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ccc"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:,}</text>')
        line = " ".join(f"{x(p['load']):.1f},{y(p[column]):.1f}" for p in curve)
        out.append(f'<polyline points="{line}" fill="none" stroke="#24527a" stroke-width="2"/>')
        for p in curve:
            at = p is knee
            out.append(f'<circle cx="{x(p["load"]):.1f}" cy="{y(p[column]):.1f}" r="{6 if at else 4}" fill="{"#b5402a" if at else "#24527a"}"/>')
    out.append(f'<line x1="{x(knee["load"]):.1f}" x2="{x(knee["load"]):.1f}" y1="{PANELS[0][2]}" y2="{bottom}" stroke="#b5402a" stroke-dasharray="5 4"/>')
    out.append(f'<text x="{x(knee["load"]) - 10:.1f}" y="{PANELS[0][2] + PANELS[0][3] - 10}" text-anchor="end" fill="#2c6b45">below</text>')
    out.append(f'<text x="{x(knee["load"]) + 10:.1f}" y="{PANELS[0][2] + PANELS[0][3] - 10}" fill="#a03a26">past</text>')
    out.append(f'<text x="{x(knee["load"]):.1f}" y="20" text-anchor="middle" fill="#b5402a" font-weight="bold">knee at {knee["load"]:g} clients</text>')
    for p in curve:
        out.append(f'<text x="{x(p["load"]):.1f}" y="{bottom + 18}" text-anchor="middle">{p["load"]:g}</text>')
    out.append(f'<text x="{(LEFT + W - RIGHT) / 2}" y="{bottom + 38}" text-anchor="middle">clients</text>')
    height = bottom + 50
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {height}" width="{W}" height="{height}" '
          f'font-family="sans-serif" font-size="13" fill="#222" role="img" '
          f'aria-label="Throughput, TTFT and power of one curve over its load, with the knee at {knee["load"]:g} clients">')
    print(f'<rect width="{W}" height="{height}" fill="#fff"/>')
    print("\n".join(out))
    print("</svg>")


main()
