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

from synetune_lab.blackbox_repository.blackbox_offline import BlackboxOffline, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe
from synetune_lab.config_space import loguniform, randint, uniform
from synetune_lab.errors import BlackboxError

__all__ = ["PD1Recipe", "convert_task"]

# Name of a hyperparameter -> its entry in the raw data.
_HYPERPARAMETERS = {
    "hp_initial_learning_rate": "hps.lr_hparams.initial_value",
    "hp_power": "hps.lr_hparams.power",
    "hp_lr_decay_steps_factor": "hps.lr_hparams.decay_steps_factor",
    "hp_one_minus_momentum": "hps.opt_hparams.momentum",
}
CONFIGURATION_SPACE = {
    "hp_initial_learning_rate": loguniform(1e-5, 10.0),
    "hp_power": uniform(0.1, 2.0),
    "hp_lr_decay_steps_factor": uniform(0.01, 0.99),
    "hp_one_minus_momentum": loguniform(1e-3, 1.0),
}
_OBJECTIVES = {
    "metric_valid_error_rate": "valid/error_rate",
    "metric_valid_ce_loss": "valid/ce_loss",
}


def convert_task(task_data: Iterable[Mapping[str, Any]]) -> BlackboxOffline:
    """One task from its trainings; those that diverged lose the epochs that were not reached.

    Args:
        task_data: One entry a training, with its hyperparameters and lists of what was measured
            at each evaluation.

    Raises:
        BlackboxError: If nothing can be used.
    """
    import pandas as pd

    rows = []
    for training in task_data:
        if not isinstance(training.get("valid/error_rate"), (list, tuple)):
            continue
        config = {name: training[entry] for name, entry in _HYPERPARAMETERS.items()}
        config["hp_one_minus_momentum"] = 1.0 - config["hp_one_minus_momentum"]
        seconds = float(training.get("eval_time") or 0.0) or 1.0
        steps = training.get("global_step") or training.get("epoch") or []
        for epoch, error in enumerate(training["valid/error_rate"]):
            row = {**config, "global_step": epoch + 1, "metric_elapsed_time": seconds * (epoch + 1)}
            for name, entry in _OBJECTIVES.items():
                series = training.get(entry)
                row[name] = series[epoch] if series is not None else np.nan
            if error is not None and (not steps or epoch < len(steps)):
                rows.append(row)
    if not rows:
        raise BlackboxError("the raw data have no training with valid/error_rate")
    frame = pd.DataFrame(rows).drop_duplicates([*_HYPERPARAMETERS, "global_step"])
    return BlackboxOffline(
        frame,
        CONFIGURATION_SPACE,
        {"global_step": randint(1, int(frame["global_step"].max()))},
        [*_OBJECTIVES, "metric_elapsed_time"],
    )


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
        files = sorted(folder.rglob("pd1_matched_phase*_results.jsonl.gz"))
        if not files:
            raise BlackboxError(f"there are no files pd1_matched_phase*_results.jsonl.gz in {raw}")
        tasks: dict[str, list[dict[str, Any]]] = {}
        for file in files:
            with gzip.open(file, "rt") as lines:
                for line in lines:
                    training = json.loads(line)
                    name = "_".join(str(training.get(part, "")) for part in ("dataset", "model"))
                    batch = training.get("hps.batch_size", training.get("batch_size", ""))
                    tasks.setdefault(f"{name}_batch_size_{batch}", []).append(training)
        boxes = {name: convert_task(data) for name, data in tasks.items()}
        longest = max(int(box.df["global_step"].max()) for box in boxes.values())
        space = {"global_step": randint(1, longest)}
        for box in boxes.values():
            box.fidelity_space = dict(space)  # one space for all tasks
        serialize(boxes, target)
