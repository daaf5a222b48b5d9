"""What simulated measurements of either package share: tables and methods."""

from __future__ import annotations

import itertools
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

METRIC, TIME = "metric_valid_error", "metric_elapsed_time"
RESOURCE, MAX_RESOURCE = "epoch", "epochs"


def of(package: str, module: str, name: str) -> Any:
    """A name of a package."""
    return getattr(import_module(f"{package}.{module}"), name)


def made_up_table(package: str, epochs: int, seeds: int, operations: int = 5) -> Any:
    """A table of the form of NASBench-201: six categories, curves that fall at other rates."""
    space = import_module(f"{package}.config_space")
    names = [f"hp_x{i}" for i in range(6)]
    values = [chr(ord("a") + i) for i in range(operations)]
    rows = list(itertools.product(values, repeat=6))
    random = np.random.RandomState(0)
    steps = np.arange(1, epochs + 1, dtype=np.float32)
    level = 0.1 + 0.5 * random.rand(len(rows), 1, 1).astype(np.float32)
    rate = 0.3 + random.rand(len(rows), 1, 1).astype(np.float32)
    curves = np.empty((len(rows), seeds, epochs, 2), np.float32)
    noise = 0.01 * random.randn(len(rows), seeds, epochs).astype(np.float32)
    curves[..., 0] = level + 0.4 * steps ** (-rate) + noise
    pace = random.uniform(5, 20, (len(rows), 1, 1)).astype(np.float32)
    curves[..., 1] = pace * steps
    return of(package, "blackbox_repository.blackbox_tabular", "BlackboxTabular")(
        hyperparameters=pd.DataFrame(rows, columns=names),
        configuration_space={name: space.choice(values) for name in names},
        fidelity_space={RESOURCE: space.randint(1, epochs)},
        objectives_evaluations=curves,
        objectives_names=[METRIC, TIME],
    )


def make_scheduler(package: str, method: str, config_space: dict[str, Any], seed: int) -> Any:
    """A method by its name."""
    baselines = import_module(f"{package}.optimizer.baselines")
    schedulers = import_module(f"{package}.optimizer.schedulers")
    again = {"debug_log": False, "allow_duplicates": True}
    # Without the default first configuration, the middle of the space, which hides the rest.
    own: dict[str, Any] = {
        "metric": METRIC,
        "mode": "min",
        "random_seed": seed,
        "points_to_evaluate": [],
    }
    rungs = {"resource_attr": RESOURCE, "max_resource_attr": MAX_RESOURCE}
    plain = {"search_options": again, **own}
    silent = {"search_options": {"debug_log": False}}
    if method == "MSR":
        return schedulers.MedianStoppingRule(
            scheduler=baselines.RandomSearch(config_space, **plain),
            resource_attr=RESOURCE,
            metric=METRIC,
            grace_population=10,
        )
    makers: dict[str, tuple[str, dict[str, Any]]] = {
        "RS": ("RandomSearch", plain),
        "ASHA-STOP": ("ASHA", {"type": "stopping", **plain, **rungs}),
        "ASHA-PROM": ("ASHA", {"type": "promotion", **plain, **rungs}),
        "ASHA6-STOP": ("ASHA", {"brackets": 5, **plain, **rungs}),
        "PASHA": ("PASHA", {**plain, **rungs}),
        "SYNCSH": ("SyncHyperband", {"brackets": 1, **plain, **rungs}),
        "SYNCHB": ("SyncHyperband", {**plain, **rungs}),
        "BOHB": ("SyncBOHB", {**own, **rungs}),
        "DEHB": ("DEHB", {**own, **rungs}),
        "KDE": ("KDE", own),
        "REA": ("REA", {"population_size": 20, "sample_size": 5, **own}),
        "BORE": ("BORE", own),
        "MOBSTER": ("MOBSTER", {**silent, **own, **rungs}),
        "HYPERTUNE": ("HyperTune", {**silent, **own, **rungs}),
        "DYHPO": ("DyHPO", {**silent, **own, **rungs}),
        "SYNCMOBSTER": ("SyncMOBSTER", {**silent, **own, **rungs}),
        "BO": ("BayesianOptimization", {**silent, **own}),
    }
    name, arguments = makers[method]
    return getattr(baselines, name)(config_space, **arguments)


def make_tuner(
    package: str,
    blackbox: Any,
    method: str,
    seed: int,
    n_workers: int,
    **criterion: float,
) -> Any:
    """A tuner that simulates a method."""
    config_space = {
        **blackbox.configuration_space,
        MAX_RESOURCE: int(np.max(blackbox.fidelity_values)),
    }
    # The peer's tuner looks at its trials now and then; ours is told at once.
    looks = {"tuner_sleep_time": 0.2} if package == "syne_tune" else {}
    backend = of(package, "blackbox_repository", "UserBlackboxBackend")(
        blackbox=blackbox, elapsed_time_attr=TIME, max_resource_attr=MAX_RESOURCE, seed=0, **looks
    )
    callback = of(package, "backend.simulator_backend.simulator_callback", "SimulatorCallback")()
    return import_module(package).Tuner(
        trial_backend=backend,
        scheduler=make_scheduler(package, method, config_space, seed),
        stop_criterion=import_module(package).StoppingCriterion(**criterion),
        n_workers=n_workers,
        sleep_time=0,
        callbacks=[callback],
        results_update_interval=10_000,
        print_update_interval=10_000,
        save_tuner=False,
        max_failures=10,
    )
