"""Seconds from the death of a node to the next report of the trial that ran there; reports lost.

The processes of a node of the cluster are killed; the trial goes on elsewhere from its checkpoint.
What a trial has reported it also notes in a file of its own, to be compared with what arrived.

    python benchmarks/measure/ray_lost_node.py synetune_lab 3
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ray_cluster import ray_cluster

STEPS_BEFORE, STEPS_AFTER, PAUSE_S = 20, 10, 0.1


def counting(steps: int, pause: float, sent: str, x: float, st_checkpoint_dir: str) -> None:
    """Report at an even pace, with a checkpoint after each."""
    import time
    from pathlib import Path

    from synetune_lab import Reporter

    report = Reporter()
    checkpoint = Path(st_checkpoint_dir) / "step"
    first = int(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
    for step in range(first, steps + 1):
        time.sleep(pause)
        report(epoch=step, loss=x / step)
        with Path(sent).open("a") as file:
            file.write(f"{step}\n")
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        draft = checkpoint.with_name("draft")
        draft.write_text(str(step))
        draft.replace(checkpoint)


def lose_one(cluster: Any, number: int) -> tuple[float, int, int]:
    """Seconds to the next report; reports that are missing, and that came twice."""
    from synetune_lab import StoppingCriterion, Tuner
    from synetune_lab.backend import RayBackend
    from synetune_lab.config_space import uniform
    from synetune_lab.optimizer.baselines import RandomSearch
    from synetune_lab.tuner_callback import TunerCallback

    only_there = f"doomed-{number}"
    doomed = cluster.add_node(num_cpus=1, resources={only_there: 1})
    cluster.wait_for_nodes()
    arrived: list[tuple[float, int]] = []
    runs: list[dict[str, Any]] = []

    class Clock(TunerCallback):
        def on_trial_result(self, trial: Any, status: str, result: Any, decision: str) -> None:
            del status, decision
            if trial.trial_id == 0:
                arrived.append((time.perf_counter(), result["epoch"]))

    def resources(config: dict[str, Any]) -> dict[str, float]:
        runs.append(config)
        return {"CPU": 1, only_there: 1} if len(runs) == 1 else {"CPU": 1}

    sent = Path(tempfile.mkdtemp()) / "sent"
    steps = STEPS_BEFORE + STEPS_AFTER
    space = {"steps": steps, "pause": PAUSE_S, "sent": str(sent), "x": uniform(0.0, 1.0)}
    tuner = Tuner(
        trial_backend=RayBackend(counting, space, resources=resources, resource_attr="epoch"),
        scheduler=RandomSearch(space, metric="loss", random_seed=1),
        stop_criterion=StoppingCriterion(max_num_trials_completed=0),
        n_workers=1,
        tuner_name="ray-lost-node",
        callbacks=[Clock()],
    )
    tuner.start()
    while len(arrived) < STEPS_BEFORE:
        time.sleep(0.01)
    cluster.remove_node(doomed, allow_graceful=False)
    killed = time.perf_counter()
    known_then = sum(at <= killed for at, _ in arrived)
    tuner.wait()
    # Reports on their way when the node died are read from the log: the next one is of a new run.
    before = max(int(line) for line in sent.read_text().split()[: known_then + 1])
    resumed = min(at for at, epoch in arrived if epoch > before)
    epochs = [epoch for _, epoch in arrived]
    missing = set(range(1, steps + 1)) - set(epochs)
    return resumed - killed, len(missing), len(epochs) - len(set(epochs))


def main(repeats: int) -> None:
    with ray_cluster([2, 1]) as cluster:
        found = [lose_one(cluster, number) for number in range(repeats)]
    seconds = [entry[0] for entry in found]
    figures = {
        "median_s": statistics.median(seconds),
        "worst_s": max(seconds),
        "lost_or_repeated": sum(entry[1] + entry[2] for entry in found),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[2]))
