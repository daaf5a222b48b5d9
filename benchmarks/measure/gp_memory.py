"""Peak memory of a process with a run of Bayesian optimisation that has just suggested."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

# The first suggestions may be drawn at random: the last of so many comes from the model.
SUGGESTIONS = 5


def main(package: str, observations: int) -> None:
    logging.disable(logging.WARNING)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    from benchmarks.regret_study.functions import problem
    from benchmarks.regret_study.methods import METHODS

    what = problem("hartmann6")
    method = METHODS[package][2](what.space, 1)
    random = np.random.default_rng(0)
    for _ in range(observations - SUGGESTIONS + 1):
        config = {one.name: one.sample(random) for one in what.space}
        method.tell(config, what.value(config))
    for left in range(SUGGESTIONS - 1, -1, -1):
        config = method.ask()
        if left:
            method.tell(config, what.value(config))
    print(json.dumps({"memory_mb": peak_mb()}))


def peak_mb() -> float:
    """Peak resident memory; that of `getrusage` would count what the parent had, too."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
