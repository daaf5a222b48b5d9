"""Milliseconds from a printed report to the scheduler's decision on it."""

from __future__ import annotations

import io
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "scripts" / "clocked.py"


def main(package: str, steps: int, pause: str, n_workers: int) -> None:
    logging.disable(logging.CRITICAL)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    root = import_module(package)
    space = import_module(f"{package}.config_space")
    fifo = import_module(f"{package}.optimizer.schedulers").FIFOScheduler
    delays: list[float] = []

    class Clocked(fifo):  # type: ignore[misc,valid-type]
        """Notes when it is asked."""

        def on_trial_result(self, trial, result):  # type: ignore[no-untyped-def]
            decision = super().on_trial_result(trial, result)
            delays.append(time.time() - result["sent"])
            return decision

    config_space = {"x": space.uniform(0.0, 1.0), "steps": steps, "pause": pause}
    tuner = root.Tuner(
        trial_backend=import_module(f"{package}.backend").LocalBackend(entry_point=str(SCRIPT)),
        scheduler=Clocked(config_space, searcher="random", metric="loss", random_seed=1),
        stop_criterion=root.StoppingCriterion(max_num_trials_completed=n_workers - 1),
        n_workers=n_workers,
        save_tuner=False,
        tuner_name="latency",
    )
    with redirect_stdout(io.StringIO()):
        tuner.run()
    delays.sort()
    figures = {
        "median_ms": statistics.median(delays) * 1e3,
        "p95_ms": delays[int(0.95 * (len(delays) - 1))] * 1e3,
        "reports": len(delays),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
