"""vllm-sr-sim over one workload of run.py: one queueing event per request, no engine steps. Its own
profile of an H100; that decides what it answers, not what it costs.

    vllm_sr_sim.py '{"requests": ..., "rate": ..., "input": ..., "output": ..., "replicas": ...}' FOLDER
"""

import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from dynosim import length  # noqa: E402


def main():
    workload = json.loads(sys.argv[1])
    from fleet_sim import H100_80GB, Fleet, FleetConfig, PoolConfig, Request
    stream, now, arrivals = random.Random(42), 0.0, []
    for number in range(workload["requests"]):
        now += stream.expovariate(workload["rate"])
        arrivals.append((now, Request(number, now, length(workload["input"], stream),
                                      length(workload["output"], stream))))
    fleet = Fleet(FleetConfig([PoolConfig("all", H100_80GB, workload["replicas"], 8192)],
                              "LeastLoadedRouter"))
    result = fleet.run(arrivals)
    print(str(result)[:500])


if __name__ == "__main__":
    main()
