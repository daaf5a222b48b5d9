"""Seconds of one suggestion with a refit of the Gaussian process: 6 hyperparameters, by data.

The observations are fed as finished trials. Every suggestion that is timed has its value told
before the next, so each has new data; what is told is timed, too.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

FUNCTION = "hartmann6"
# A method may draw its first suggestions at random, whatever it was told; and they load modules.
WARM = 5
NAMES = {"optuna": "optuna_gp"}


def main(package: str, observations: int, count: int) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    from benchmarks.regret_study.functions import problem
    from benchmarks.regret_study.methods import METHODS

    what = problem(FUNCTION)
    method = METHODS[NAMES.get(package, package)][2](what.space, 1)
    random = np.random.default_rng(0)
    for _ in range(observations - WARM):
        config = {one.name: one.sample(random) for one in what.space}
        method.tell(config, what.value(config))
    seconds = []
    for _ in range(WARM + count):
        began = time.perf_counter()
        config = method.ask()
        asking = time.perf_counter() - began
        value = what.value(config)
        began = time.perf_counter()
        method.tell(config, value)
        seconds.append(asking + time.perf_counter() - began)
    timed = seconds[WARM:]
    print(json.dumps({"s": statistics.median(timed), "all": [round(one, 4) for one in seconds]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
