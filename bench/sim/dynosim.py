"""DynoSim, the offline replay of ai-dynamo, over one workload of run.py.

    dynosim.py '{"requests": ..., "rate": ..., "input": ..., "output": ..., "replicas": ...}' FOLDER

The trace is made in FOLDER by the first call; later ones only replay it.
"""

import json
import pathlib
import random
import sys

BLOCK = 64


def length(text, stream):
    if not text.startswith("normal:"):
        return int(text)
    mean, deviation, least, most = text.removeprefix("normal:").split(",")
    least, most = int(least.removeprefix("min=")), int(most.removeprefix("max="))
    return min(most, max(least, round(stream.gauss(float(mean), float(deviation)))))


def write_trace(workload, path):
    stream, now, block = random.Random(42), 0.0, 0
    with path.open("w", encoding="utf-8") as out:
        for _ in range(workload["requests"]):
            now += stream.expovariate(workload["rate"])
            tokens = length(workload["input"], stream)
            blocks = -(-tokens // BLOCK)
            out.write(json.dumps({"timestamp": now * 1e3, "input_length": tokens,
                                  "output_length": length(workload["output"], stream),
                                  "hash_ids": list(range(block, block + blocks))}) + "\n")
            block += blocks


def main():
    workload, folder = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])
    name = "-".join(str(workload[key]) for key in ("requests", "rate", "replicas"))
    trace = folder / f"{name}.jsonl"
    if not trace.exists():
        write_trace(workload, trace)
    from dynamo._core import run_mocker_trace_replay
    engine = {"engine": {"block_size": BLOCK, "num_gpu_blocks": 26_000 * 16 // BLOCK,
                         "max_num_seqs": 256, "max_num_batched_tokens": 8192}}
    result = run_mocker_trace_replay([str(trace)], extra_engine_args=engine,
                                     num_workers=workload["replicas"], trace_block_size=BLOCK)
    print(json.dumps(result.summary))


if __name__ == "__main__":
    main()
