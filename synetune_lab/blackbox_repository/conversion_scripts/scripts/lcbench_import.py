"""LCBench: neural networks on 35 OpenML data sets.

Zimmer, Lindauer, Hutter: Auto-PyTorch Tabular: Multi-Fidelity MetaLearning for Efficient and
Robust AutoDL, https://arxiv.org/abs/2006.13799.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import (
    BlackboxRecipe,
    table_metadata,
)
from synetune_lab.config_space import lograndint, loguniform, randint, uniform
from synetune_lab.errors import BlackboxError

__all__ = ["LCBenchRecipe", "convert_task"]

CONFIGURATION_SPACE = {
    "num_layers": randint(1, 5),
    "max_units": lograndint(64, 1024),
    "batch_size": lograndint(16, 512),
    "learning_rate": loguniform(1e-4, 1e-1),
    "weight_decay": uniform(1e-5, 1e-1),
    "momentum": uniform(0.1, 0.99),
    "max_dropout": uniform(0.0, 1.0),
}
# Name of an objective -> tag of the log.
_OBJECTIVES = {
    "val_accuracy": "Train/val_accuracy",
    "val_balanced_accuracy": "Train/val_balanced_accuracy",
    "val_cross_entropy": "Train/val_cross_entropy",
    "test_accuracy": "Train/test_result",
    "test_balanced_accuracy": "Train/test_balanced_accuracy",
    "test_cross_entropy": "Train/test_cross_entropy",
    "time": "time",
}
_TIME = list(_OBJECTIVES).index("time")


def convert_task(bench: Mapping[str, Any], dataset_name: str) -> BlackboxTabular:
    """One data set.

    The log begins with an evaluation before training and ends with one after it; both are left
    out, and the time is counted from the first, so that the fidelity is the number of epochs.

    Args:
        bench: Content of the raw JSON: data sets, then numbers of configurations, each with
            `config`, `log` (tags with a value an evaluation) and `results`.
        dataset_name: Name of the data set.

    Raises:
        BlackboxError: If the data do not have the expected form.
    """
    import pandas as pd

    runs = bench[dataset_name]
    numbers = sorted(runs, key=int)
    configs: list[dict[str, Any]] = []
    curves: list[np.ndarray] = []
    for number in numbers:
        run = runs[number]
        try:
            configs.append({name: run["config"][name] for name in CONFIGURATION_SPACE})
            series = [_values(run["log"][tag]) for tag in _OBJECTIVES.values()]
        except KeyError as error:
            raise BlackboxError(
                f"{dataset_name}: configuration {number} lacks {error}; its config has "
                f"{sorted(run.get('config', {}))}, its log {sorted(run.get('log', {}))}"
            ) from error
        lengths = {len(one) for one in (*series, *(curve[:, 0] for curve in curves[:1]))}
        if len(lengths) > 1 or min(lengths) < 3:
            raise BlackboxError(
                f"{dataset_name}: the series of configuration {number} have {sorted(lengths)} "
                "values; they must have as many as all others, and at least 3"
            )
        curves.append(np.stack(series, axis=-1))
    values = np.stack(curves)[:, None]
    values[..., _TIME] -= values[:, :, :1, _TIME]
    values = values[:, :, 1:-1]
    return BlackboxTabular(
        pd.DataFrame(configs),
        CONFIGURATION_SPACE,
        {"epoch": randint(1, values.shape[2])},
        values.astype(np.float32),
        objectives_names=list(_OBJECTIVES),
    )


def _values(series: Any) -> np.ndarray:
    """A logged series: a list, or a mapping from numbers of evaluations."""
    if isinstance(series, Mapping):
        series = [series[key] for key in sorted(series, key=int)]
    return np.asarray(series, dtype=np.float64)


class LCBenchRecipe(BlackboxRecipe):
    """Imports LCBench."""

    address = "https://figshare.com/ndownloader/files/21188598"
    filename = "data_2k_lw.zip"
    size = "about 400 MB"

    def __init__(self) -> None:
        super().__init__(
            "lcbench",
            "Zimmer, Lindauer, Hutter: Auto-PyTorch Tabular: Multi-Fidelity MetaLearning for "
            "Efficient and Robust AutoDL, TPAMI 2021",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; `raw` is the archive, or the JSON file in it."""
        bench = _read(raw)
        # All data sets have the same configurations, so that they share a table.
        serialize(
            {name: convert_task(bench, name) for name in bench},
            target,
            table_metadata("time", "val_accuracy", "epoch"),
        )


def _read(raw: Path) -> dict[str, Any]:
    if raw.suffix != ".zip":
        return dict(json.loads(raw.read_text()))
    with zipfile.ZipFile(raw) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
        if not names:
            raise BlackboxError(f"there is no JSON file in {raw}")
        with archive.open(names[0]) as file:
            return dict(json.load(file))
