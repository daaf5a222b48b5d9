"""Microseconds that ASHA takes to judge a report at its first rung, by the size of the rung.

Beside it, what the suggestion takes that fills the freed worker (for promotion: the look for a
paused trial that may go on).
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import datetime
from importlib import import_module


def main(package: str, kind: str, largest: int) -> None:
    space = import_module(f"{package}.config_space")
    baselines = import_module(f"{package}.optimizer.baselines")
    trial_class = import_module(f"{package}.backend.trial_status").Trial
    config_space = {"x": space.uniform(0.0, 1.0), "epochs": 81}
    scheduler = baselines.ASHA(
        config_space,
        metric="loss",
        mode="min",
        resource_attr="epoch",
        max_resource_attr="epochs",
        type=kind,
        random_seed=1,
        search_options={"debug_log": False},
    )
    draw = random.Random(1).random
    created = datetime.now()
    decisions: dict[str, float] = {}
    suggestions: dict[str, float] = {}
    sizes = [size for size in (1_000, 10_000, 100_000) if size <= largest]
    window = 500
    trial_id = 0
    for size in sizes:
        while trial_id < size - window:
            step(scheduler, trial_class, trial_id, draw(), created)
            trial_id += 1
        judging = suggesting = 0.0
        while trial_id < size:
            suggestion_s, decision_s = step(scheduler, trial_class, trial_id, draw(), created)
            suggesting += suggestion_s
            judging += decision_s
            trial_id += 1
        decisions[str(size)] = judging / window * 1e6
        suggestions[str(size)] = suggesting / window * 1e6
    print(json.dumps({"us": decisions, "suggest_us": suggestions}))


def step(  # type: ignore[no-untyped-def]
    scheduler, trial_class, trial_id: int, loss: float, created: datetime
) -> tuple[float, float]:
    """One new trial up to its first report; the seconds that suggestion and decision took."""
    while True:
        start = time.perf_counter()
        suggestion = scheduler.suggest(trial_id)
        suggestion_s = time.perf_counter() - start
        if suggestion.spawn_new_trial_id:
            break
        # A promotion: that trial is done with at once, to keep to the first rung.
        config = {"x": 0.0, "epochs": 81}
        scheduler.on_trial_remove(trial_class(suggestion.checkpoint_trial_id, config, created))
    trial = trial_class(trial_id, suggestion.config, created)
    scheduler.on_trial_add(trial)
    start = time.perf_counter()
    decision = scheduler.on_trial_result(trial, {"epoch": 1, "loss": loss})
    decision_s = time.perf_counter() - start
    if decision != "CONTINUE":
        scheduler.on_trial_remove(trial)
    return suggestion_s, decision_s


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
