"""Run one method on one function with some seeds; a line of JSON for each seed.

python -m benchmarks.regret_study.run METHOD FUNCTION EVALUATIONS SEED [SEED ...]
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time

from benchmarks.regret_study.functions import problem
from benchmarks.regret_study.methods import METHODS


def run(method: str, function: str, evaluations: int, seed: int) -> dict[str, object]:
    """One run: the value of each evaluation and the seconds that the suggestions took."""
    what = problem(function)
    maker = METHODS[method][2]
    search = maker(what.space, seed)
    values, seconds = [], 0.0
    for _ in range(evaluations):
        began = time.perf_counter()
        config = search.ask()
        seconds += time.perf_counter() - began
        value = what.value(config)
        values.append(float(f"{value:.12g}"))
        began = time.perf_counter()
        search.tell(config, value)
        seconds += time.perf_counter() - began
    return {"seed": seed, "values": values, "seconds": round(seconds, 4)}


def main(method: str, function: str, evaluations: int, seeds: list[int]) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    for seed in seeds:
        print("RUN " + json.dumps(run(method, function, evaluations, seed)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(seed) for seed in sys.argv[4:]])
