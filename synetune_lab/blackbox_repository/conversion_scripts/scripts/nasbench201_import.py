"""NASBench-201: all cells of six edges with five operations, on three image data sets.

Dong, Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search,
https://arxiv.org/abs/2001.00326. The raw data are those of NATS-Bench's topology search space,
which has the same trainings.
"""

from __future__ import annotations

import bz2
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import (
    BlackboxRecipe,
    table_metadata,
)
from synetune_lab.blackbox_repository.conversion_scripts.plain_pickle import load_plain
from synetune_lab.config_space import choice, randint
from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require

__all__ = ["NASBench201Recipe", "convert_dataset", "str_to_list"]

_OPERATIONS = ["avg_pool_3x3", "nor_conv_3x3", "skip_connect", "nor_conv_1x1", "none"]
CONFIGURATION_SPACE = {f"hp_x{edge}": choice(_OPERATIONS) for edge in range(6)}
_OBJECTIVES = [
    "metric_valid_error",
    "metric_train_error",
    "metric_runtime",
    "metric_elapsed_time",
    "metric_latency",
    "metric_flops",
    "metric_params",
]
_FIXED = slice(4, None)
_SEEDS = (777, 888, 999)
# Name of a task -> names of its data set in the raw file, the first that is there counts.
_TASKS = {
    "cifar10": ("cifar10", "cifar10-valid"),
    "cifar100": ("cifar100",),
    "ImageNet16-120": ("ImageNet16-120",),
}
# A network is judged after each epoch on one of these; on the others perhaps at the end alone.
_JUDGED_ON = ("ori-test", "x-valid", "x-test")
_TRAININGS = ("200", "full")


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

    A cell that was trained with fewer than three seeds gets the mean of its trainings for those
    that are missing.

    Args:
        data: `arch2infos` (cells with their trainings, by number) and, where these do not have
            `arch_str`, `meta_archs` (the cells).
        dataset: `cifar10`, `cifar100` or `ImageNet16-120`.

    Raises:
        BlackboxError: If the data do not have the expected form.
    """
    import pandas as pd

    infos = data["arch2infos"]
    trained = [_over_200_epochs(infos[number], number) for number in range(len(infos))]
    cells = [
        info["arch_str"] if "arch_str" in info else data["meta_archs"][number]
        for number, info in enumerate(trained)
    ]
    runs = _runs(trained, dataset)
    first = next(run for run in runs if run is not None)
    judged, epochs = _judged_on(first, dataset), len(first["train_acc1es"])
    values = np.full((len(cells), len(_SEEDS), epochs, len(_OBJECTIVES)), np.nan, dtype=np.float32)
    for place, run in enumerate(runs):
        number, seed = divmod(place, len(_SEEDS))
        if run is not None:
            where = f"{dataset}: cell {number} with seed {_SEEDS[seed]}"
            values[number, seed] = _curve(run, judged, epochs, where)
    values = _filled(values)
    # Latency, FLOPs and parameters are those of the first training.
    values[..., _FIXED] = values[:, :1, :1, _FIXED]
    return BlackboxTabular(
        pd.DataFrame([str_to_list(cell) for cell in cells], columns=list(CONFIGURATION_SPACE)),
        CONFIGURATION_SPACE,
        {"hp_epoch": randint(1, epochs)},
        values,
        objectives_names=_OBJECTIVES,
    )


def _over_200_epochs(info: Any, number: int) -> Mapping[str, Any]:
    have = list(info) if isinstance(info, Mapping) else []
    for name in _TRAININGS:
        if name in have:
            trained: Mapping[str, Any] = info[name]
            return trained
    raise BlackboxError(
        f"cell {number} has no training over 200 epochs ({' or '.join(_TRAININGS)}); it has {have}"
    )


def _runs(trained: list[Mapping[str, Any]], dataset: str) -> list[Mapping[str, Any] | None]:
    """The trainings of all cells on a data set, seed by seed; None for those that are missing."""
    if dataset not in _TASKS:
        raise BlackboxError(f"dataset={dataset!r} is not known; there are {list(_TASKS)}")
    for name in _TASKS[dataset]:
        runs = [info["all_results"].get((name, seed)) for info in trained for seed in _SEEDS]
        if any(run is not None for run in runs):
            return runs
    have = sorted({str(key) for info in trained[:1] for key in info["all_results"]})
    raise BlackboxError(
        f"there are no trainings on {' or '.join(_TASKS[dataset])} with the seeds {_SEEDS}; "
        f"the first cell has {have}"
    )


def _judged_on(run: Mapping[str, Any], dataset: str) -> str:
    """What the network was judged on after every epoch."""
    have = run["eval_acc1es"]
    epochs = range(len(run["train_acc1es"]))
    for name in _JUDGED_ON:
        if epochs and all(f"{name}@{epoch}" in have for epoch in epochs):
            return name
    keys = sorted(have)
    shown = ", ".join(keys[:6]) + (f", ... ({len(keys)} in all)" if len(keys) > 6 else "")
    raise BlackboxError(
        f"{dataset}: eval_acc1es must have {' or '.join(f'{name}@0' for name in _JUDGED_ON)} and "
        f"so on for all {len(epochs)} epochs; its keys are {shown or 'none'}"
    )


def _curve(run: Mapping[str, Any], judged: str, epochs: int, where: str) -> np.ndarray:
    """Shape (epochs, objectives) of one training; keys of epochs begin at 0."""
    steps = range(epochs)
    try:
        accuracy = np.array([run["eval_acc1es"][f"{judged}@{epoch}"] for epoch in steps])
        train = np.array([run["train_acc1es"][epoch] for epoch in steps])
        seconds = np.array([run["train_times"][epoch] for epoch in steps])
        seconds = seconds + [run["eval_times"][f"{judged}@{epoch}"] for epoch in steps]
        flops, params = run["flop"], run["params"]
        latency = run["latency"]
    except KeyError as error:
        raise BlackboxError(f"{where} lacks {error}; it has {sorted(run)}") from error
    fixed = [latency[0] if len(latency) else np.nan, flops, params]
    columns = [1 - accuracy / 100, 1 - train / 100, seconds, np.cumsum(seconds), *fixed]
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def _filled(values: np.ndarray) -> np.ndarray:
    """Give trainings that are missing the mean of the others of their cell."""
    for number in np.flatnonzero(np.isnan(values).any(axis=(1, 2, 3))):
        own = values[number]
        known = ~np.isnan(own)
        total = np.where(known, own, 0.0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            mean = total / known.sum(axis=0)
        values[number] = np.where(known, own, mean)
    return values


class NASBench201Recipe(BlackboxRecipe):
    """Imports NASBench-201."""

    address = (
        "https://drive.google.com/uc?export=download&confirm=t&id=1vzyK0UVH2D3fTpa1_dSWnp1gvGpAxRul"
    )
    filename = "NATS-tss-v1_0-3ffb9.pickle.pbz2"
    size = "about 1.8 GB; if Google asks for a click, fetch it with a browser"

    def __init__(self) -> None:
        super().__init__(
            "nasbench201",
            "Dong, Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
            "Search, ICLR 2020",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; loading the file runs no code of it.

        `raw` is the file of NATS-Bench, or the older `NAS-Bench-201-v1_1-096897.pth`, which needs
        PyTorch.
        """
        data = _read(raw)
        serialize(
            {task: convert_dataset(data, task) for task in _TASKS},
            target,
            table_metadata("metric_elapsed_time", "metric_valid_error", "hp_epoch"),
        )


def _read(raw: Path) -> Any:
    if raw.suffix == ".pth":
        torch = require("torch", extra="botorch", purpose="reading this form of NASBench-201")
        return torch.load(raw, map_location="cpu", weights_only=True)
    with raw.open("rb") as file:
        if file.read(3) != b"BZh":
            raise BlackboxError(
                f"{raw} must be a bz2 file, and is none (Google may have answered with a page); "
                f"fetch it with a browser from {NASBench201Recipe.address}"
            )
    with bz2.open(raw, "rb") as packed:
        return load_plain(packed, str(raw))
