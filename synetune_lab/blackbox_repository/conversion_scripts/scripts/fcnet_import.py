"""FCNet: fully connected networks on four regression tasks.

Klein, Hutter: Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization,
https://arxiv.org/abs/1905.04970.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import (
    BlackboxRecipe,
    table_metadata,
)
from synetune_lab.config_space import choice, finrange, logfinrange, randint
from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require

__all__ = ["FCNETRecipe", "convert_dataset"]

_TASKS = (
    "protein_structure",
    "naval_propulsion",
    "parkinsons_telemonitoring",
    "slice_localization",
)
_OBJECTIVES = [
    "metric_valid_loss",
    "metric_train_loss",
    "metric_final_test_error",
    "metric_n_params",
    "metric_elapsed_time",
]
CONFIGURATION_SPACE = {
    "hp_activation_fn_1": choice(["tanh", "relu"]),
    "hp_activation_fn_2": choice(["tanh", "relu"]),
    "hp_batch_size": logfinrange(8, 64, 4, cast_int=True),
    "hp_dropout_1": finrange(0.0, 0.6, 3),
    "hp_dropout_2": finrange(0.0, 0.6, 3),
    "hp_init_lr": choice([0.0005, 0.001, 0.005, 0.01, 0.05, 0.1]),
    "hp_lr_schedule": choice(["cosine", "const"]),
    "hp_n_units_1": logfinrange(16, 512, 6, cast_int=True),
    "hp_n_units_2": logfinrange(16, 512, 6, cast_int=True),
}


def convert_dataset(dataset_path: Path, max_rows: int | None = None) -> BlackboxTabular:
    """One task from its HDF5 file: a group for each configuration, named by its JSON.

    Args:
        dataset_path: The file.
        max_rows: Take so many configurations only.

    Raises:
        BlackboxError: If the file does not have the expected form.
    """
    import pandas as pd

    h5py = require("h5py", extra="blackbox", purpose="reading the raw data of FCNet")
    configs: list[dict[str, Any]] = []
    curves = []
    with h5py.File(dataset_path, "r") as file:
        for key in list(file.keys())[:max_rows]:
            group = file[key]
            try:
                valid, train = np.array(group["valid_loss"]), np.array(group["train_loss"])
                # One value a training.
                error, size, runtime = (
                    np.array(group[entry])[:, None]
                    for entry in ("final_test_error", "n_params", "runtime")
                )
            except KeyError as missing:
                raise BlackboxError(
                    f"{dataset_path}: {key} lacks data: {missing}; it has {sorted(group)}"
                ) from missing
            epochs = valid.shape[1]
            # The time of the whole training is known; each epoch takes the same share of it.
            times = runtime * np.arange(1, epochs + 1) / epochs
            columns = np.broadcast_arrays(valid, train, error, size, times)
            curves.append(np.stack(columns, axis=-1).astype(np.float32))
            configs.append({f"hp_{name}": value for name, value in json.loads(key).items()})
    if not configs:
        raise BlackboxError(f"{dataset_path} has no configurations")
    table = pd.DataFrame(configs)[list(CONFIGURATION_SPACE)]
    values = np.stack(curves)
    return BlackboxTabular(
        table,
        CONFIGURATION_SPACE,
        {"hp_epoch": randint(1, values.shape[2])},
        values,
        objectives_names=_OBJECTIVES,
    )


class FCNETRecipe(BlackboxRecipe):
    """Imports FCNet."""

    address = "http://ml4aad.org/wp-content/uploads/2019/01/fcnet_tabular_benchmarks.tar.gz"
    size = "several hundred MB"

    def __init__(self) -> None:
        super().__init__(
            "fcnet",
            "Klein, Hutter: Tabular Benchmarks for Joint Architecture and Hyperparameter "
            "Optimization, 2019",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; `raw` is the archive, or a folder with the HDF5 files."""
        folder = raw
        if raw.is_file():
            folder = target.parent / "unpacked"
            with tarfile.open(raw) as archive:
                archive.extractall(folder, filter="data")
        files = {task: list(folder.rglob(f"fcnet_{task}_data.hdf5")) for task in _TASKS}
        found = {task: paths[0] for task, paths in files.items() if paths}
        if not found:
            raise BlackboxError(f"there are no files fcnet_*_data.hdf5 in {raw}")
        serialize(
            {task: convert_dataset(path) for task, path in found.items()},
            target,
            table_metadata("metric_elapsed_time", "metric_valid_loss", "hp_epoch"),
        )
