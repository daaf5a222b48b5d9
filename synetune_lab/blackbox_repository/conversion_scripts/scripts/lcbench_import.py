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
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe
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
    "val_cross_entropy": "Train/val_cross_entropy",
    "val_balanced_accuracy": "Train/val_balanced_accuracy",
    "time": "time",
}


def convert_task(bench: Mapping[str, Any], dataset_name: str) -> BlackboxTabular:
    """One data set.

    Args:
        bench: Content of the raw JSON: data sets, then numbers of configurations, each with
            `config`, `log` (tags with a value an epoch) and `results`.
        dataset_name: Name of the data set.

    Raises:
        BlackboxError: If the data do not have the expected form.
    """
    import pandas as pd

    runs = bench[dataset_name]
    numbers = sorted(runs, key=int)
    try:
        configs = [{name: runs[n]["config"][name] for name in CONFIGURATION_SPACE} for n in numbers]
        logs = [runs[n]["log"] for n in numbers]
        curves = [
            np.stack([_values(log[tag]) for tag in _OBJECTIVES.values()], axis=-1) for log in logs
        ]
    except KeyError as error:
        raise BlackboxError(f"{dataset_name} lacks {error} in the raw data") from error
    epochs = min(map(len, curves))
    values = np.stack([curve[:epochs] for curve in curves])[:, None]
    return BlackboxTabular(
        pd.DataFrame(configs),
        CONFIGURATION_SPACE,
        {"epoch": randint(1, epochs)},
        values.astype(np.float32),
        objectives_names=list(_OBJECTIVES),
    )


def _values(series: Any) -> np.ndarray:
    """A logged series: a list, or a mapping from numbers of epochs."""
    if isinstance(series, Mapping):
        series = [series[key] for key in sorted(series, key=int)]
    return np.asarray(series, dtype=np.float64)


class LCBenchRecipe(BlackboxRecipe):
    """Imports LCBench."""

    address = "https://ndownloader.figshare.com/files/21188598/data_2k_lw.zip"
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
        serialize({name: convert_task(bench, name) for name in sorted(bench)}, target)


def _read(raw: Path) -> dict[str, Any]:
    if raw.suffix != ".zip":
        return dict(json.loads(raw.read_text()))
    with zipfile.ZipFile(raw) as archive:
        names = [name for name in archive.namelist() if name.endswith(".json")]
        if not names:
            raise BlackboxError(f"there is no JSON file in {raw}")
        with archive.open(names[0]) as file:
            return dict(json.load(file))
