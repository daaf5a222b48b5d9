"""Milliseconds that a suggestion by densities takes after 1,000 observations."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import datetime
from importlib import import_module

import numpy as np


def main(package: str) -> None:
    logging.disable(logging.WARNING)
    space = import_module(f"{package}.config_space")
    baselines = import_module(f"{package}.optimizer.baselines")
    trial_class = import_module(f"{package}.backend.trial_status").Trial
    config_space = {
        "lr": space.loguniform(1e-4, 1.0),
        "batch": space.lograndint(16, 256),
        "momentum": space.uniform(0.0, 0.99),
        "layers": space.randint(1, 3),
        "units": space.lograndint(8, 128),
        "activation": space.choice(["relu", "tanh", "gelu"]),
    }
    scheduler = baselines.KDE(
        config_space,
        metric="loss",
        random_seed=1,
        search_options={"random_fraction": 0.0, "debug_log": False}
        if package == "syne_tune"
        else {"random_fraction": 0.0},
    )
    random = np.random.RandomState(0)
    created = datetime.now()
    for trial_id in range(1000):
        config = {name: d.sample(random_state=random) for name, d in config_space.items()}
        trial = trial_class(trial_id, config, created)
        scheduler.on_trial_add(trial)
        result = {"loss": abs(np.log10(config["lr"]) + 2) + random.rand(), "epoch": 1}
        scheduler.on_trial_result(trial, result)
        scheduler.on_trial_complete(trial, result)
    for trial_id in range(990, 1001):
        scheduler.suggest(trial_id)  # the first is the midpoint of the space, the next loads scipy
    count = 100 if package == "synetune_lab" else 10
    began = time.perf_counter()
    for trial_id in range(count):
        scheduler.suggest(1001 + trial_id)
    print(json.dumps({"ms": (time.perf_counter() - began) / count * 1e3}))


if __name__ == "__main__":
    main(sys.argv[1])
