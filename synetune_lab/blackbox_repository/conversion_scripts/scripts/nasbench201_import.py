"""NASBench-201: all cells of six edges with five operations, on three image data sets.

Dong, Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search,
https://arxiv.org/abs/2001.00326.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe
from synetune_lab.config_space import choice, randint
from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require

__all__ = ["NASBench201Recipe", "convert_dataset", "str_to_list"]

_OPERATIONS = ["avg_pool_3x3", "nor_conv_3x3", "skip_connect", "nor_conv_1x1", "none"]
CONFIGURATION_SPACE = {f"hp_x{edge}": choice(_OPERATIONS) for edge in range(6)}
_OBJECTIVES = ["metric_valid_error", "metric_train_error", "metric_runtime", "metric_elapsed_time"]
_NUM_SEEDS = 3
# Name of a task -> name of the data set in the raw file, and of its validation set.
_TASKS = {
    "cifar10": ("cifar10-valid", "x-valid"),
    "cifar100": ("cifar100", "x-valid"),
    "ImageNet16-120": ("ImageNet16-120", "x-valid"),
}


def str_to_list(arch_str: str) -> list[str]:
    """The six operations of a cell, such as `|none~0|+|none~0|none~1|+|none~0|none~1|none~2|`.

    Raises:
        BlackboxError: If the text is no such cell.
    """
    nodes = [node.strip("|").split("|") for node in arch_str.split("+")]
    operations = [edge.split("~")[0] for node in nodes for edge in node]
    if len(operations) != len(CONFIGURATION_SPACE) or not set(operations) <= set(_OPERATIONS):
        raise BlackboxError(f"{arch_str!r} is not a cell of NASBench-201")
    return operations


def convert_dataset(data: Mapping[str, Any], dataset: str) -> BlackboxTabular:
    """One task from the content of the raw file.

    Args:
        data: `meta_archs` (the cells) and `arch2infos` (their trainings, by number).
        dataset: `cifar10`, `cifar100` or `ImageNet16-120`.

    Raises:
        BlackboxError: If the data do not have the expected form.
    """
    import pandas as pd

    name, valid = _TASKS[dataset]
    cells, infos = data["meta_archs"], data["arch2infos"]
    table = pd.DataFrame([str_to_list(cell) for cell in cells], columns=list(CONFIGURATION_SPACE))
    curves = []
    for number in range(len(cells)):
        info = infos[number]
        trained = info.get("full", info.get("200")) if isinstance(info, Mapping) else None
        if trained is None:
            raise BlackboxError(f"cell {number} has no training over 200 epochs")
        runs = [trained["all_results"][name, seed] for seed in trained["dataset_seed"][name]]
        curves.append([_curve(run, valid) for run in runs])
    epochs = min(len(curve) for runs in curves for curve in runs)
    values = np.full((len(cells), _NUM_SEEDS, epochs, len(_OBJECTIVES)), np.nan, np.float32)
    for number, runs in enumerate(curves):
        for seed in range(_NUM_SEEDS):
            # Some cells were trained with fewer seeds; theirs are used again.
            values[number, seed] = runs[seed % len(runs)][:epochs]
    return BlackboxTabular(
        table,
        CONFIGURATION_SPACE,
        {"hp_epoch": randint(1, epochs)},
        values,
        objectives_names=_OBJECTIVES,
    )


def _curve(run: Mapping[str, Any], valid: str) -> np.ndarray:
    """Shape (epochs, objectives) of one training; keys of epochs begin at 0."""
    train = np.array([run["train_acc1es"][epoch] for epoch in sorted(run["train_acc1es"])])
    epochs = len(train)
    accuracy = np.array([run["eval_acc1es"][f"{valid}@{epoch}"] for epoch in range(epochs)])
    seconds = np.array([run["train_times"][epoch] for epoch in sorted(run["train_times"])])
    judged = [run["eval_times"].get(f"{valid}@{epoch}", 0.0) for epoch in range(epochs)]
    seconds = seconds + np.array(judged)
    return np.stack([1 - accuracy / 100, 1 - train / 100, seconds, np.cumsum(seconds)], axis=-1)


class NASBench201Recipe(BlackboxRecipe):
    """Imports NASBench-201."""

    address = "https://drive.google.com/file/d/16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_/NAS-Bench-201-v1_1-096897.pth"
    size = "4.7 GB; Google asks for a click, so fetch it with a browser"

    def __init__(self) -> None:
        super().__init__(
            "nasbench201",
            "Dong, Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
            "Search, ICLR 2020",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; needs PyTorch. Loading the file runs no code of it."""
        torch = require("torch", extra="botorch", purpose="reading the raw data of NASBench-201")
        data = torch.load(raw, map_location="cpu", weights_only=True)
        serialize({task: convert_dataset(data, task) for task in _TASKS}, target)
