"""Seconds that a do-nothing trial takes on Ray with two workers: ours, and Ray Tune's own.

Both run the same number of trials on the same cluster of this machine, in turn, and each starts its
own worker processes.

    python benchmarks/measure/ray_noop.py synetune_lab 20 3 ray_tune
"""

from __future__ import annotations

import io
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

WORKERS = 2


def our_trial(x: float) -> None:
    """Report once."""
    from synetune_lab import Reporter

    Reporter()(loss=x)


def ray_trial(config: dict[str, Any]) -> None:
    """Report once."""
    from ray import tune

    tune.report({"loss": config["x"]})


def our_seconds(n: int) -> float:
    """Wall time of `n` trials with our tuner."""
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import RayBackend
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch

    space = {"x": uniform(0.0, 1.0)}
    start = time.perf_counter()
    tuner = Tuner(
        trial_backend=RayBackend(our_trial, space),
        scheduler=RandomSearch(space, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_finished=n),
        n_workers=WORKERS,
        tuner_name="ray-noop",
    )
    tuner.run()
    wall = time.perf_counter() - start
    assert tuner.tuning_status.num_trials_completed >= n
    return wall


def ray_seconds(n: int, reuse_actors: bool) -> float:
    """Wall time of `n` trials with Ray Tune."""
    from ray import tune

    start = time.perf_counter()
    results = tune.Tuner(
        tune.with_resources(ray_trial, {"cpu": 1}),
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(
            num_samples=n, max_concurrent_trials=WORKERS, reuse_actors=reuse_actors
        ),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    ).fit()
    wall = time.perf_counter() - start
    assert len(results) == n
    assert not results.errors
    return wall


def main(n: int, repeats: int, with_peer: bool) -> None:
    import ray

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    ray.init(num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)
    walls: dict[str, list[float]] = {"ours": [], "ray_tune": [], "reusing": []}
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for _ in range(repeats):
            walls["ours"].append(our_seconds(n))
            if with_peer:
                walls["ray_tune"].append(ray_seconds(n, reuse_actors=False))
                walls["reusing"].append(ray_seconds(n, reuse_actors=True))
    ray.shutdown()
    a_trial = {
        f"{name}_s": statistics.median(values) / n for name, values in walls.items() if values
    }
    print(json.dumps({**a_trial, "walls": walls, "trials": n}))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "ray_tune")
