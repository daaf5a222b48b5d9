"""Wall time of many one-second trials on a Ray cluster, against the least possible.

Its nodes are processes of this machine, with logical CPUs; a trial sleeps and reports once. Ray
starts a process for each worker first, which takes more than a second of a core: a machine with as
many cores as workers starts them side by side, a smaller one does not. So the time until each
worker had its first trial, and that of a trial from then on, are told beside the whole.

    python benchmarks/measure/ray_many_trials.py synetune_lab 10000 16
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ray_cluster import ray_cluster

TRIAL_S = 1.0
NODES = 4


def one_second(x: float, seconds: float) -> None:
    """Sleep, then report once."""
    import time

    from synetune_lab import Reporter

    time.sleep(seconds)
    Reporter()(loss=x)


def main(n_trials: int, n_workers: int) -> None:
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import RayBackend
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch
    from synetune_lab.tuner_callback import TunerCallback

    ends: list[float] = []

    class Clock(TunerCallback):
        def on_trial_complete(self, trial: Any, result: Any) -> None:
            del trial, result
            ends.append(time.perf_counter())

    with ray_cluster([-(-n_workers // NODES)] * NODES):
        space = {"x": uniform(0.0, 1.0), "seconds": TRIAL_S}
        tuner = Tuner(
            trial_backend=RayBackend(one_second, space),
            scheduler=RandomSearch(space, metric="loss", random_seed=1),
            stop_criterion=StoppingCriterion(max_num_trials_completed=n_trials),
            n_workers=n_workers,
            tuner_name="ray-many-trials",
            callbacks=[Clock()],
        )
        start, cpu = time.perf_counter(), time.process_time()
        tuner.run(progress=False)
        cpu = time.process_time() - cpu
    first, last = ends[n_workers - 1], ends[n_trials - 1]
    least = TRIAL_S * n_trials / n_workers
    figures = {
        "wall_s": last - start,
        "least_s": least,
        "ratio": (last - start) / least,
        "until_all_workers_ran_s": first - start,
        "s_a_trial_from_then_on": (last - first) / (n_trials - n_workers) * n_workers,
        "driver_cpu_ms_a_trial": 1e3 * cpu / n_trials,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[2]), int(sys.argv[3]))
