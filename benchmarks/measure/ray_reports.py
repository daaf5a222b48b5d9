"""What a report through Ray costs the tuner, and how long it takes to a decision.

Trials report at an even pace, and then as fast as they can.

python benchmarks/measure/ray_reports.py synetune_lab 500 0.02
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from ray_cluster import ray_cluster

WORKERS = 2


def reporting(steps: int, pause: float, x: float) -> None:
    """Report at an even pace."""
    import time

    from synetune_lab import Reporter

    report = Reporter()
    for step in range(1, steps + 1):
        time.sleep(pause)
        report(epoch=step, loss=x / step, sent=time.time())


def measured(steps: int, pause: float) -> dict[str, float]:
    """Figures of a run whose trials report at that pace."""
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import RayBackend
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.schedulers import FIFOScheduler

    delays: list[float] = []
    clock: list[tuple[float, float]] = []

    class Clocked(FIFOScheduler):
        """Notes when it is asked."""

        def on_trial_result(self, trial: Any, result: Any) -> str:
            decision = super().on_trial_result(trial, result)
            delays.append(time.time() - result["sent"])
            clock.append((time.perf_counter(), time.process_time()))
            return decision

    space = {"steps": steps, "pause": pause, "x": uniform(0.0, 1.0)}
    tuner = Tuner(
        trial_backend=RayBackend(reporting, space),
        scheduler=Clocked(space, searcher="random", metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_completed=WORKERS - 1),
        n_workers=WORKERS,
        tuner_name="ray-reports",
    )
    tuner.run(progress=False)
    (first_wall, first_cpu), (last_wall, last_cpu) = clock[0], clock[-1]
    delays.sort()
    return {
        "median_ms": 1e3 * statistics.median(delays),
        "p95_ms": 1e3 * delays[int(0.95 * (len(delays) - 1))],
        "wall_ms_a_report": 1e3 * (last_wall - first_wall) / (len(clock) - 1),
        "cpu_ms_a_report": 1e3 * (last_cpu - first_cpu) / (len(clock) - 1),
        "reports": len(delays),
    }


def main(steps: int, pause: float) -> None:
    with ray_cluster([WORKERS]):
        paced = measured(steps, pause)
        flood = measured(5 * steps, 0.0)
    print(json.dumps({"paced": paced, "flood": flood}))


if __name__ == "__main__":
    main(int(sys.argv[2]), float(sys.argv[3]))
