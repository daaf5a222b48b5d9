"""Recorded evaluations as a data frame: a row for each configuration, fidelity and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

__all__ = ["BlackboxOffline", "deserialize", "serialize"]

_PREFIX = "metric_"


class BlackboxOffline(Blackbox):
    """Looks configurations up in a data frame; they may differ from task to task, and have gaps.

    Args:
        df_evaluations: One row a configuration, fidelity and seed. Its columns are the
            hyperparameters, the fidelity, the objectives and the seed.
        configuration_space: Domains of the hyperparameters.
        fidelity_space: Domain of the one fidelity, if there is one.
        objectives_names: Columns of the objectives; None for those that begin with `metric_`.
        seed_col: Column of the seed, if there are several.

    Raises:
        BlackboxError: If a column is missing, or two rows are of the same evaluation.
    """

    def __init__(
        self,
        df_evaluations: pd.DataFrame,
        configuration_space: Mapping[str, Any],
        fidelity_space: Mapping[str, Any] | None = None,
        objectives_names: Sequence[str] | None = None,
        seed_col: str | None = None,
    ) -> None:
        columns = list(df_evaluations.columns)
        if objectives_names is None:
            objectives_names = [name for name in columns if str(name).startswith(_PREFIX)]
        if not objectives_names:
            raise BlackboxError(
                f"no column of df_evaluations begins with {_PREFIX!r}; name the objectives "
                f"(objectives_names) among {columns}"
            )
        super().__init__(configuration_space, fidelity_space, objectives_names)
        fidelities = list(self.fidelity_space or ())
        if len(fidelities) > 1:
            raise BlackboxError(f"there can be one fidelity, got {fidelities}")
        wanted = [*self.configuration_space, *fidelities, *self.objectives_names]
        wanted += [seed_col] if seed_col is not None else []
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise BlackboxError(f"df_evaluations lacks the columns {missing}; it has {columns}")
        if not len(df_evaluations):
            raise BlackboxError("df_evaluations has no rows")
        self.df = df_evaluations[wanted].reset_index(drop=True)
        self.seed_col = seed_col
        self._arrange()

    def _arrange(self) -> None:
        """Put all values into one array, so that a look-up costs the same for any size."""
        names = list(self.configuration_space)
        groups = self.df.groupby(names, sort=False, dropna=False, observed=True)
        rows = groups.ngroup().to_numpy()
        self._configurations = self.df.loc[~self.df[names].duplicated(), names].reset_index(
            drop=True
        )
        self._index = TableIndex(self._configurations, names)
        seeds, self._seed_values = self._codes(self.seed_col)
        fidelity = self.fidelity_name() if self.fidelity_space is not None else None
        levels, self._levels = self._codes(fidelity)
        shape = (
            len(self._configurations),
            len(self._seed_values),
            len(self._levels),
            len(self.objectives_names),
        )
        self._values = np.full(shape, np.nan)
        places = np.ravel_multi_index((rows, seeds, levels), shape[:3])
        if len(np.unique(places)) < len(places):
            twice = self.df.loc[np.flatnonzero(np.bincount(places)[places] > 1)[0]].to_dict()
            raise BlackboxError(
                f"df_evaluations has several rows for the same evaluation, such as {twice}; name "
                "the column that tells them apart (seed_col, fidelity_space)"
            )
        self._values.reshape(-1, shape[3])[places] = self.df[self.objectives_names].to_numpy()

    def _codes(self, column: str | None) -> tuple[np.ndarray, np.ndarray]:
        if column is None:
            return np.zeros(len(self.df), np.int64), np.zeros(1, np.int64)
        values, codes = np.unique(self.df[column].to_numpy(), return_inverse=True)
        return codes.reshape(-1), values

    @property
    def num_seeds(self) -> int:  # type: ignore[override]
        """How many seeds there are."""
        return len(self._seed_values)

    @property
    def fidelity_values(self) -> np.ndarray | None:
        """The recorded fidelities, ascending; None without fidelity."""
        return None if self.fidelity_space is None else self._levels

    def all_configurations(self) -> list[dict[str, Any]]:
        """Every configuration that was evaluated."""
        columns = {name: self._configurations[name].tolist() for name in self._configurations}
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def curve(self, configuration: Config, seed: int | None = None) -> np.ndarray:
        """All objectives at all fidelities, of shape (fidelity values, objectives).

        Raises:
            BlackboxError: If the configuration was not evaluated, with this seed.
        """
        row = self._index.row(configuration)
        if seed is None:
            # The first seed that this configuration was evaluated with.
            known = ~np.isnan(self._values[row]).all(axis=(1, 2))
            seed = int(np.argmax(known))
        if not 0 <= seed < self.num_seeds:
            raise BlackboxError(f"seed={seed}; this blackbox has seeds 0 to {self.num_seeds - 1}")
        values: np.ndarray = self._values[row, seed]
        return values

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        values = self.curve(configuration, seed)
        if fidelity is None:
            if self.fidelity_space is not None:
                return values
            return dict(zip(self.objectives_names, values[0].tolist(), strict=True))
        wanted = fidelity[self.fidelity_name()]
        where = np.flatnonzero(self._levels == wanted)
        if not len(where) or np.isnan(values[where[0]]).all():
            have = self._levels[~np.isnan(values).all(axis=1)].tolist()
            raise BlackboxError(
                f"{self.fidelity_name()}={wanted!r} is not recorded for this configuration; there "
                f"are {have}"
            )
        return dict(zip(self.objectives_names, values[where[0]].tolist(), strict=True))

    def hyperparameter_objectives_values(
        self, predict_curves: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """See `Blackbox.hyperparameter_objectives_values`; rows with gaps are left out."""
        if predict_curves:
            return self._curves_as_rows()
        names = list(self.configuration_space)
        names += list(self.fidelity_space or ())
        whole = self.df.dropna(subset=self.objectives_names)
        return (
            whole[names].reset_index(drop=True),
            whole[self.objectives_names].reset_index(drop=True),
        )

    def _curves_as_rows(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        import pandas as pd

        rows, seeds, levels, objectives = self._values.shape
        features = pd.concat([self._configurations] * seeds, ignore_index=True)
        flat = self._values.transpose(1, 0, 2, 3).reshape(seeds * rows, levels * objectives)
        whole = ~np.isnan(flat).any(axis=1)
        if not whole.any():
            raise BlackboxError(
                "no configuration was evaluated at all fidelities; use predict_curves=False"
            )
        names = [f"{name}-{i}" for i in range(levels) for name in self.objectives_names]
        return features[whole].reset_index(drop=True), pd.DataFrame(flat[whole], columns=names)

    def __repr__(self) -> str:
        rows, seeds, levels, _ = self._values.shape
        return (
            f"<BlackboxOffline: {rows} configurations, {seeds} seeds, {levels} fidelities, "
            f"{', '.join(self.objectives_names)}>"
        )


def serialize(
    bb_dict: Mapping[str, BlackboxOffline],
    path: str | Path,
    categorical_cols: Sequence[str] = (),
) -> None:
    """Write tasks, each with configurations of its own, into a folder.

    Args:
        bb_dict: Task names with their evaluations.
        path: The folder; it is made.
        categorical_cols: Columns with few different values, which then take less memory.

    Raises:
        BlackboxError: If the spaces differ.
        MissingDependencyError: If pyarrow is not installed.
    """
    if not bb_dict:
        raise BlackboxError("bb_dict is empty; there is nothing to write")
    first_name, first = next(iter(bb_dict.items()))
    folder = Path(path)
    for name, box in bb_dict.items():
        if (
            box.configuration_space != first.configuration_space
            or box.fidelity_space != first.fidelity_space
            or box.objectives_names != first.objectives_names
        ):
            raise BlackboxError(f"the tasks {first_name!r} and {name!r} differ in their spaces")
    serialize_configspace(folder, first.configuration_space, first.fidelity_space)
    for name, box in bb_dict.items():
        frame = box.df.astype(dict.fromkeys(categorical_cols, "category"))
        write_frame(frame, folder / f"data-{name}.parquet")
    serialize_metadata(
        folder,
        {
            "objectives_names": first.objectives_names,
            "task_names": list(bb_dict),
            "seed_col": first.seed_col,
        },
    )


def deserialize(path: str | Path) -> dict[str, BlackboxOffline] | BlackboxOffline:
    """The tasks of a folder by name; the blackbox itself for a folder with one `data.csv.zip`.

    Raises:
        BlackboxError: If there are no data, or they do not fit.
    """
    import pandas as pd

    folder = Path(path)
    space, fidelity_space = deserialize_configspace(folder)
    metadata = deserialize_metadata(folder)
    names, seed_col = metadata.get("objectives_names"), metadata.get("seed_col")

    def blackbox(frame: Any) -> BlackboxOffline:
        return BlackboxOffline(_plain(frame), space, fidelity_space, names, seed_col)

    single = folder / "data.csv.zip"
    if single.exists():
        return blackbox(pd.read_csv(single))
    files = {file.stem.removeprefix("data-"): file for file in folder.glob("data-*.parquet")}
    tasks = metadata.get("task_names") or sorted(files)
    missing = [task for task in tasks if task not in files]
    if missing or not tasks:
        raise BlackboxError(f"there are no data of {missing or 'any task'} in {folder}")
    return {task: blackbox(read_frame(files[task])) for task in tasks}


def _plain(frame: Any) -> Any:
    """Categories as what they stand for."""
    for name in frame.columns:
        if str(frame[name].dtype) == "category":
            frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
    return frame
