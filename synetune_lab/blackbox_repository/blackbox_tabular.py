"""Recorded evaluations of the same configurations at the same fidelities, as one array."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox import Blackbox, Config
from synetune_lab.blackbox_repository.serialize import (
    deserialize_configspace,
    deserialize_metadata,
    read_frame,
    serialize_configspace,
    serialize_metadata,
    write_frame,
)
from synetune_lab.blackbox_repository.table_index import TableIndex
from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BlackboxTabular", "deserialize", "serialize"]

_HYPERPARAMETERS = "hyperparameters.parquet"
_EVALUATIONS = "objectives_evaluations.npy"
_FIDELITIES = "fidelities_values.npy"


class BlackboxTabular(Blackbox):
    """A table of learning curves. Configurations are kept once, for all seeds and fidelities.

    Args:
        hyperparameters: One row a configuration, one column a hyperparameter.
        configuration_space: Domains of the hyperparameters.
        fidelity_space: Domain of the one fidelity, e.g. `{"hp_epoch": randint(1, 100)}`.
        objectives_evaluations: Shape (configurations, seeds, fidelities, objectives). NaN stands
            for what was not recorded.
        fidelity_values: The fidelities, ascending; None for 1, 2, 3, ...
        objectives_names: Names of the objectives; None for `metric_0`, `metric_1`, ...

    Raises:
        BlackboxError: If shapes or names do not fit.
    """

    def __init__(
        self,
        hyperparameters: pd.DataFrame,
        configuration_space: Mapping[str, Any],
        fidelity_space: Mapping[str, Any] | None,
        objectives_evaluations: np.ndarray,
        fidelity_values: Sequence[float] | np.ndarray | None = None,
        objectives_names: Sequence[str] | None = None,
    ) -> None:
        shape = np.shape(objectives_evaluations)
        if len(shape) != 4 or 0 in shape:
            raise BlackboxError(
                "objectives_evaluations must have the shape (configurations, seeds, fidelities, "
                f"objectives), got {shape}"
            )
        if shape[0] != len(hyperparameters):
            raise BlackboxError(
                f"objectives_evaluations has {shape[0]} configurations, hyperparameters has "
                f"{len(hyperparameters)} rows"
            )
        if objectives_names is None:
            objectives_names = [f"metric_{i}" for i in range(shape[3])]
        if len(objectives_names) != shape[3]:
            raise BlackboxError(
                f"objectives_names has {len(objectives_names)} names for {shape[3]} objectives"
            )
        super().__init__(configuration_space, fidelity_space, objectives_names)
        names = list(hyperparameters.columns)
        if set(names) != set(self.configuration_space):
            raise BlackboxError(
                f"the columns of hyperparameters are {names}, and the configuration space has "
                f"{list(self.configuration_space)}"
            )
        self.hyperparameters = hyperparameters[list(self.configuration_space)]
        self.objectives_evaluations = objectives_evaluations
        self._values = _fidelity_values(fidelity_values, shape[2])
        self._index: TableIndex | None = None

    @property
    def num_seeds(self) -> int:  # type: ignore[override]
        """How many times each configuration was evaluated."""
        return int(self.objectives_evaluations.shape[1])

    @property
    def num_fidelities(self) -> int:
        """Number of fidelity values."""
        return len(self._values)

    @property
    def fidelity_values(self) -> np.ndarray | None:
        """The fidelities, ascending; None for a blackbox without."""
        return None if self.fidelity_space is None else self._values

    @property
    def nbytes(self) -> int:
        """Size of the recorded values."""
        return int(self.objectives_evaluations.nbytes)

    @cached_property
    def fingerprint(self) -> str:
        """The same for tables with the same contents."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(np.ascontiguousarray(self.objectives_evaluations).data)
        digest.update(self.hyperparameters.to_csv(index=False).encode())
        digest.update(repr((self.objectives_names, self._values.tolist())).encode())
        return digest.hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_index": None}  # made anew in a moment

    def curve(self, configuration: Config, seed: int | None = None) -> np.ndarray:
        """All objectives at all fidelities, of shape (fidelity values, objectives).

        Raises:
            BlackboxError: If the configuration or seed is not in the table.
        """
        if self._index is None:
            self._index = TableIndex(self.hyperparameters, list(self.configuration_space))
        row = self._index.row(configuration)
        values: np.ndarray = self.objectives_evaluations[row, self._check_seed(seed)]
        return values

    def _check_seed(self, seed: int | None) -> int:
        if seed is None:
            return 0
        if not 0 <= seed < self.num_seeds:
            raise BlackboxError(
                f"seed={seed!r}; this blackbox has the seeds 0 to {self.num_seeds - 1}"
            )
        return seed

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        values = self.curve(configuration, seed)
        if fidelity is None:
            if self.fidelity_space is not None:
                return values
            return dict(zip(self.objectives_names, values[0].tolist(), strict=True))
        wanted = fidelity[self.fidelity_name()]
        where = np.flatnonzero(self._values == wanted)
        if not len(where):
            raise BlackboxError(
                f"{self.fidelity_name()}={wanted!r} is not recorded; there are "
                f"{_shorten(self._values.tolist())}"
            )
        return dict(zip(self.objectives_names, values[where[0]].tolist(), strict=True))

    def hyperparameter_objectives_values(
        self, predict_curves: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """See `Blackbox.hyperparameter_objectives_values`."""
        import pandas as pd

        rows, seeds, fidelities, objectives = self.objectives_evaluations.shape
        if predict_curves:
            features = pd.concat([self.hyperparameters] * seeds, ignore_index=True)
            values = self.objectives_evaluations.transpose(1, 0, 2, 3)
            flat = values.reshape(seeds * rows, fidelities * objectives)
            names = [f"{n}-{i}" for i in range(fidelities) for n in self.objectives_names]
            return features, pd.DataFrame(flat, columns=names)
        features = pd.concat([self.hyperparameters] * (seeds * fidelities), ignore_index=True)
        name = self.fidelity_name() if self.fidelity_space is not None else "fidelity"
        features[name] = np.repeat(self._values, seeds * rows)
        values = self.objectives_evaluations.transpose(2, 1, 0, 3).reshape(-1, objectives)
        return features, pd.DataFrame(values, columns=list(self.objectives_names))

    def rename_objectives(self, objective_name_mapping: Mapping[str, str]) -> BlackboxTabular:
        """A blackbox with the mapped objectives alone, under their new names.

        Args:
            objective_name_mapping: Old to new names.

        Raises:
            BlackboxError: If there is no objective of an old name.
        """
        unknown = [old for old in objective_name_mapping if old not in self.objectives_names]
        if unknown:
            raise BlackboxError(
                f"there are no objectives {unknown} to rename; there are {self.objectives_names}"
            )
        positions = [self.objectives_names.index(old) for old in objective_name_mapping]
        return BlackboxTabular(
            hyperparameters=self.hyperparameters,
            configuration_space=self.configuration_space,
            fidelity_space=self.fidelity_space,
            objectives_evaluations=self.objectives_evaluations[..., positions],
            fidelity_values=self._values,
            objectives_names=list(objective_name_mapping.values()),
        )

    def all_configurations(self) -> list[dict[str, Any]]:
        """Every configuration of the table, as `restrict_configurations` of searchers takes it."""
        columns = {name: self.hyperparameters[name].tolist() for name in self.hyperparameters}
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def __repr__(self) -> str:
        rows, seeds, fidelities, _ = self.objectives_evaluations.shape
        return (
            f"<BlackboxTabular: {rows} configurations, {seeds} seeds, {fidelities} fidelities, "
            f"{', '.join(self.objectives_names)}>"
        )


def _fidelity_values(given: Sequence[float] | np.ndarray | None, number: int) -> np.ndarray:
    if given is None:
        return np.arange(1, number + 1)
    values = np.asarray(given)
    if values.shape != (number,) or np.any(np.diff(values) <= 0):
        raise BlackboxError(
            f"fidelity_values must be {number} increasing numbers, got {_shorten(values.tolist())}"
        )
    if values.dtype.kind == "f" and np.all(values == np.round(values)):
        values = values.astype(np.int64)
    return values


def _shorten(values: Any) -> str:
    if not isinstance(values, list) or len(values) <= 12:
        return str(values)
    return f"[{', '.join(map(str, values[:6]))}, ..., {', '.join(map(str, values[-3:]))}]"


def serialize(
    bb_dict: Mapping[str, BlackboxTabular],
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write tasks that share configurations, fidelities and seeds into a folder.

    Args:
        bb_dict: Task names with their tables.
        path: The folder; it is made.
        metadata: Entries of your own for `metadata.json`.

    Raises:
        BlackboxError: If the tasks do not share what they have to.
        MissingDependencyError: If pyarrow is not installed.
    """
    if not bb_dict:
        raise BlackboxError("bb_dict is empty; there is nothing to write")
    first_name, first = next(iter(bb_dict.items()))
    for name, box in bb_dict.items():
        if (
            not box.hyperparameters.equals(first.hyperparameters)
            or not np.array_equal(box._values, first._values)
            or box.objectives_evaluations.shape != first.objectives_evaluations.shape
            or box.objectives_names != first.objectives_names
        ):
            raise BlackboxError(
                f"the tasks {first_name!r} and {name!r} differ in configurations, fidelities, "
                "seeds or objectives; use BlackboxOffline for such data"
            )
    folder = Path(path)
    serialize_configspace(folder, first.configuration_space, first.fidelity_space)
    write_frame(first.hyperparameters, folder / _HYPERPARAMETERS)
    stacked = np.stack([box.objectives_evaluations for box in bb_dict.values()])
    np.save(folder / _EVALUATIONS, stacked.astype(np.float32), allow_pickle=False)
    np.save(folder / _FIDELITIES, first._values, allow_pickle=False)
    own = {"objectives_names": first.objectives_names, "task_names": list(bb_dict)}
    serialize_metadata(folder, {**own, **(metadata or {})})


def deserialize(path: str | Path) -> dict[str, BlackboxTabular]:
    """The tasks that `serialize` (or Syne Tune) wrote, by name.

    Raises:
        BlackboxError: If a file is missing or does not fit.
    """
    folder = Path(path)
    space, fidelity_space = deserialize_configspace(folder)
    for name in (_HYPERPARAMETERS, _EVALUATIONS, _FIDELITIES):
        if not (folder / name).exists():
            raise BlackboxError(f"there is no {name} in {folder}")
    metadata = deserialize_metadata(folder)
    table = read_frame(folder / _HYPERPARAMETERS)
    evaluations = np.load(folder / _EVALUATIONS, allow_pickle=False)
    values = np.load(folder / _FIDELITIES, allow_pickle=False)
    tasks = metadata.get("task_names") or [str(i) for i in range(len(evaluations))]
    if len(tasks) != len(evaluations):
        raise BlackboxError(f"{folder} names {len(tasks)} tasks and has {len(evaluations)}")
    return {
        task: BlackboxTabular(
            hyperparameters=table,
            configuration_space=space,
            fidelity_space=fidelity_space,
            objectives_evaluations=evaluations[number],
            fidelity_values=values,
            objectives_names=metadata.get("objectives_names"),
        )
        for number, task in enumerate(tasks)
    }
