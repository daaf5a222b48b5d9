"""Tables of tasks that differ in configurations and fidelities: files of each task in one folder.

The layout is the one that Syne Tune has for PD1: besides `configspace.json` and `metadata.json`,
each task has `{task}-hyperparameters.parquet`, `{task}-objectives_evaluations.npy`,
`{task}-fidelity_values.npy` and `{task}-fidelity_space.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.serialize import (
    deserialize_configspace,
    deserialize_metadata,
    deserialize_space,
    read_frame,
    serialize_configspace,
    serialize_metadata,
    serialize_space,
    write_frame,
)
from synetune_lab.errors import BlackboxError

__all__ = ["deserialize", "has_task_tables", "serialize"]

_HYPERPARAMETERS = "hyperparameters.parquet"
_EVALUATIONS = "objectives_evaluations.npy"
_VALUES = "fidelity_values.npy"
_SPACE = "fidelity_space.json"


def has_task_tables(folder: Path) -> bool:
    """Whether there are files of this layout in a folder."""
    return any(folder.glob(f"*-{_EVALUATIONS}"))


def serialize(
    bb_dict: Mapping[str, BlackboxTabular],
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write tasks, each with configurations, fidelities and seeds of its own, into a folder.

    Args:
        bb_dict: Task names with their tables.
        path: The folder; it is made.
        metadata: Entries of your own for `metadata.json`.

    Raises:
        BlackboxError: If the tasks do not share their configuration space and objectives.
        MissingDependencyError: If pyarrow is not installed.
    """
    if not bb_dict:
        raise BlackboxError("bb_dict is empty; there is nothing to write")
    first_name, first = next(iter(bb_dict.items()))
    for name, box in bb_dict.items():
        if (
            box.configuration_space != first.configuration_space
            or box.objectives_names != first.objectives_names
        ):
            raise BlackboxError(
                f"the tasks {first_name!r} and {name!r} must have the same configuration space and "
                f"objectives; their objectives are {first.objectives_names} and "
                f"{box.objectives_names}"
            )
    folder = Path(path)
    serialize_configspace(folder, first.configuration_space)
    for task, box in bb_dict.items():
        values = box.fidelity_values
        if values is None:
            values = np.arange(1, box.num_fidelities + 1)
        evaluations = box.objectives_evaluations.astype(np.float32)
        write_frame(box.hyperparameters, folder / f"{task}-{_HYPERPARAMETERS}")
        serialize_space(folder / f"{task}-{_SPACE}", box.fidelity_space or {})
        np.save(folder / f"{task}-{_EVALUATIONS}", evaluations, allow_pickle=False)
        np.save(folder / f"{task}-{_VALUES}", values, allow_pickle=False)
    own = {"objectives_names": first.objectives_names, "task_names": list(bb_dict)}
    serialize_metadata(folder, {**own, **(metadata or {})})


def deserialize(path: str | Path) -> dict[str, BlackboxTabular]:
    """The tasks that `serialize` (or Syne Tune's importer of PD1) wrote, by name.

    Raises:
        BlackboxError: If a file is missing or does not fit.
    """
    folder = Path(path)
    space, _ = deserialize_configspace(folder)
    metadata = deserialize_metadata(folder)
    files = folder.glob(f"*-{_EVALUATIONS}")
    found = sorted(file.name.removesuffix(f"-{_EVALUATIONS}") for file in files)
    tasks = metadata.get("task_names") or found
    if not tasks:
        raise BlackboxError(f"there are no files {{task}}-{_EVALUATIONS} in {folder}")
    boxes = {}
    for task in tasks:
        names = [f"{task}-{part}" for part in (_HYPERPARAMETERS, _EVALUATIONS, _VALUES, _SPACE)]
        missing = [name for name in names if not (folder / name).exists()]
        if missing:
            raise BlackboxError(f"there is no {missing[0]} in {folder}; its tasks are {tasks}")
        boxes[task] = BlackboxTabular(
            hyperparameters=read_frame(folder / names[0]),
            configuration_space=space,
            fidelity_space=deserialize_space(folder / names[3]) or None,
            objectives_evaluations=np.load(folder / names[1], allow_pickle=False),
            fidelity_values=np.load(folder / names[2], allow_pickle=False),
            objectives_names=metadata.get("objectives_names"),
        )
    return boxes
