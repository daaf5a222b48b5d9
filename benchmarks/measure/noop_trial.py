"""Seconds that a do-nothing trial takes on the local backend beyond the bare script's own time."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "scripts" / "noop.py"
WORKERS = 2


def run_bare(_: int) -> None:
    """The script without any tuner."""
    subprocess.run([sys.executable, SCRIPT], check=True, capture_output=True)


def bare_seconds(n: int) -> float:
    """Seconds a script when `n` of them run without any tuner, two at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        start = time.perf_counter()
        list(pool.map(run_bare, range(n)))
    return (time.perf_counter() - start) * WORKERS / n


def main(package: str, n: int, sleep_time: str) -> None:
    logging.disable(logging.CRITICAL)
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    root = import_module(package)
    space = import_module(f"{package}.config_space")
    baselines = import_module(f"{package}.optimizer.baselines")
    backend = import_module(f"{package}.backend").LocalBackend(entry_point=str(SCRIPT))
    scheduler = baselines.RandomSearch({"x": space.uniform(0.0, 1.0)}, metric="loss", random_seed=1)
    options = {} if sleep_time == "default" else {"sleep_time": float(sleep_time)}
    tuner = root.Tuner(
        trial_backend=backend,
        scheduler=scheduler,
        stop_criterion=root.StoppingCriterion(max_num_trials_completed=n - 1),
        n_workers=WORKERS,
        tuner_name="noop",
        **options,
    )
    bare_seconds(4)
    before = bare_seconds(40)
    with redirect_stdout(io.StringIO()):
        start = time.perf_counter()
        tuner.run()
        wall = time.perf_counter() - start
    started = tuner.tuning_status.num_trials_completed
    after = bare_seconds(40)
    a_trial = wall * WORKERS / started
    print(
        json.dumps(
            {
                "s": a_trial - (before + after) / 2,
                "wall": wall,
                "trials": started,
                "bare": (before + after) / 2,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
