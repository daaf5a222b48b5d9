"""Microseconds that one suggestion of random search takes."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module


def main(package: str) -> None:
    space = import_module(f"{package}.config_space")
    baselines = import_module(f"{package}.optimizer.baselines")
    config_space = {
        "learning_rate": space.loguniform(1e-6, 1.0),
        "weight_decay": space.loguniform(1e-8, 1.0),
        "dropout": space.uniform(0.0, 0.9),
        "n_units": space.lograndint(4, 1024),
        "batch_size": space.randint(8, 256),
        "activation": space.choice(["relu", "tanh", "logistic"]),
        "epochs": 27,
    }
    scheduler = baselines.RandomSearch(config_space, metric="loss", mode="min", random_seed=1)
    for trial_id in range(500):
        scheduler.suggest(trial_id)
    n = 5_000
    start = time.perf_counter()
    for trial_id in range(500, 500 + n):
        scheduler.suggest(trial_id)
    print(json.dumps({"us": (time.perf_counter() - start) / n * 1e6}))


if __name__ == "__main__":
    main(sys.argv[1])
