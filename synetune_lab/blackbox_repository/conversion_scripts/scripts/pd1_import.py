"""PD1: optimisers of large neural networks on 24 tasks.

Wang, Dahl, Swersky, Lee, Mariet, Nado, Gilmer, Snoek, Ghahramani: Pre-trained Gaussian Processes
for Bayesian Optimization, https://arxiv.org/abs/2109.08215.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import (
    BlackboxRecipe,
    table_metadata,
)
from synetune_lab.blackbox_repository.task_tables import deserialize, serialize
from synetune_lab.config_space import loguniform, randint, uniform
from synetune_lab.errors import BlackboxError

__all__ = ["PD1Recipe", "convert_task", "deserialize", "serialize", "task_name"]

CONFIGURATION_SPACE = {
    "lr_initial_value": loguniform(1e-5, 10.0),
    "lr_power": uniform(0.1, 2.0),
    "lr_decay_steps_factor": uniform(0.01, 0.99),
    "one_minus_momentum": loguniform(1e-3, 1.0),
}
# Name of a hyperparameter -> its entry in the raw data, which for the last is the momentum.
_HYPERPARAMETERS = {
    "lr_initial_value": "hps.lr_hparams.initial_value",
    "lr_power": "hps.lr_hparams.power",
    "lr_decay_steps_factor": "hps.lr_hparams.decay_steps_factor",
    "one_minus_momentum": "hps.opt_hparams.momentum",
}
_TIME = "metric_elapsed_time"
# Name of an objective -> its entry in the raw data: a list with a value for each evaluation.
_OBJECTIVES = {
    "metric_valid_error_rate": "valid/error_rate",
    "metric_valid_ce_loss": "valid/ce_loss",
    _TIME: "eval_time",
}
_RESOURCE = "global_step"
_FILES = tuple(f"pd1_{part}_phase1_results.jsonl.gz" for part in ("matched", "unmatched"))


def task_name(training: Mapping[str, Any]) -> str:
    """Name of the task of a training, from all that tells tasks apart.

    These are data set, model, activation function (where there is one) and batch size, as in
    `mnist_max_pooling_cnn_relu_batch_size_256`.

    Raises:
        BlackboxError: If the training lacks one of them.
    """
    wanted = ("dataset", "model", "hps.batch_size")
    missing = [entry for entry in wanted if training.get(entry) is None]
    if missing:
        raise BlackboxError(f"a training lacks {missing}; it has {sorted(training)}")
    dataset, model, batch = (training[entry] for entry in wanted)
    activation = training.get("hps.activation_fn")
    named = f"_{activation}" if isinstance(activation, str) else ""
    return f"{dataset}_{model}{named}_batch_size_{int(batch)}"


def convert_task(task_data: Iterable[Mapping[str, Any]]) -> BlackboxTabular:
    """One task from its trainings.

    The fidelity `global_step` counts evaluations. Those that a training did not come to, because it
    diverged, are NaN. The time is the sum of the times between evaluations.

    Args:
        task_data: One entry a training, with its hyperparameters and lists of what was measured
            at each evaluation (None for a training without).

    Raises:
        BlackboxError: If the data do not have this form, or nothing can be used.
    """
    import pandas as pd

    configs, curves = [], []
    for training in task_data:
        configs.append(_configuration(training))
        series = {name: _series(training, entry) for name, entry in _OBJECTIVES.items()}
        series[_TIME] = np.cumsum(series[_TIME])
        curves.append(series)
    names = [name for name in _OBJECTIVES if any(len(curve[name]) for curve in curves)]
    if not names:
        raise BlackboxError(f"no training has any of {list(_OBJECTIVES.values())}")
    longest = max(len(curve[name]) for curve in curves for name in names)
    values = np.full((len(curves), 1, longest, len(names)), np.nan, dtype=np.float32)
    for row, curve in enumerate(curves):
        for column, name in enumerate(names):
            values[row, 0, : len(curve[name]), column] = curve[name]
    return BlackboxTabular(
        pd.DataFrame(configs),
        CONFIGURATION_SPACE,
        {_RESOURCE: randint(1, longest)},
        values,
        objectives_names=names,
    )


def _configuration(training: Mapping[str, Any]) -> dict[str, float]:
    config = {}
    for name, entry in _HYPERPARAMETERS.items():
        value = training.get(entry)
        if not isinstance(value, (int, float)):
            raise BlackboxError(
                f"{entry}={value!r} must be a number; the training has {sorted(training)}"
            )
        config[name] = 1.0 - value if name == "one_minus_momentum" else float(value)
        if not CONFIGURATION_SPACE[name].is_valid(config[name]):
            raise BlackboxError(f"{name}={config[name]} is not in {CONFIGURATION_SPACE[name]}")
    return config


def _series(training: Mapping[str, Any], entry: str) -> np.ndarray:
    """A value for each evaluation; none for a training without."""
    series = training.get(entry)
    if series is None:
        return np.empty(0)
    if not isinstance(series, (list, tuple)):
        raise BlackboxError(
            f"{entry} must be a list with a value for each evaluation, got {series!r}"
        )
    return np.array([np.nan if value is None else value for value in series], dtype=np.float64)


class PD1Recipe(BlackboxRecipe):
    """Imports PD1."""

    address = "http://storage.googleapis.com/gresearch/pint/pd1.tar.gz"
    size = "about 600 MB"

    def __init__(self) -> None:
        super().__init__(
            "pd1",
            "Wang, Dahl, Swersky, Lee, Mariet, Nado, Gilmer, Snoek, Ghahramani: Pre-trained "
            "Gaussian Processes for Bayesian Optimization, 2021",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; `raw` is the archive, or a folder with `*.jsonl.gz`."""
        folder = raw
        if raw.is_file():
            folder = target.parent / "unpacked"
            with tarfile.open(raw) as archive:
                archive.extractall(folder, filter="data")
        found = {name: next(iter(folder.rglob(name)), None) for name in _FILES}
        missing = [name for name, file in found.items() if file is None]
        if missing:
            raise BlackboxError(f"there is no {' and no '.join(missing)} in {raw}")
        tasks: dict[str, list[dict[str, Any]]] = {}
        for file in found.values():
            assert file is not None
            for training in _read(file):
                tasks.setdefault(task_name(training), []).append(training)
        serialize(
            {name: convert_task(data) for name, data in tasks.items()},
            target,
            table_metadata(_TIME, "metric_valid_error_rate", _RESOURCE),
        )


def _read(file: Path) -> Iterable[dict[str, Any]]:
    """The trainings of a file, with those of their entries that are used."""
    wanted = {"dataset", "model", "hps.batch_size", "hps.activation_fn"}
    wanted.update(_HYPERPARAMETERS.values(), _OBJECTIVES.values())
    with gzip.open(file, "rt") as lines:
        for line in lines:
            if line.strip():
                training = json.loads(line)
                yield {entry: training[entry] for entry in training if entry in wanted}
