"""Which values of which trials a model learns from, and at which resource it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space.columns import make_column
from synetune_lab.constants import CONFIG_COLUMN_PREFIX, ST_WORKER_ITER, TRIAL_ID
from synetune_lab.errors import ConfigSpaceError, StoreError
from synetune_lab.experiments.insight.levels import choose_level, thinned
from synetune_lab.experiments.insight.space import ModelledSpace, covering_domain, value_in

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from synetune_lab.config_space import Domain
    from synetune_lab.experiments.insight.records import RunRecords

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Observations", "observe"]

_USUAL_RESOURCES = ("epoch", "epochs", "step", "steps", "iteration", "rounds", "time_step")
_FEWEST = 3


@dataclass(frozen=True)
class Observations:
    """What was observed of a metric. Shapes: t trials, n observations.

    Attributes:
        space: Encoding of configurations.
        configs: Configuration of each trial. A trial that changed it counts anew from there.
        trial_ids: Number of each trial, shape (t,).
        rows: Trial of each observation, as a position in `configs`, shape (n,).
        levels: Resource of each observation, shape (n,).
        values: Reported values, in the metric's own units, shape (n,).
        resource: Name of the resource; None if there is none.
        level: The resource at which the model is asked; None if each trial's own end counts.
        has_levels: Whether there are observations at several resources to be told apart.
        notes: What a reader should know.
    """

    space: ModelledSpace
    configs: list[dict[str, Any]]
    trial_ids: IntArray
    rows: IntArray
    levels: IntArray
    values: FloatArray
    resource: str | None
    level: int | None
    has_levels: bool
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_at_level(self) -> BoolArray:
        """Which observations are of the level that is asked for, shape (n,)."""
        if self.level is None or not self.has_levels:
            return np.ones(len(self), dtype=bool)
        at_level: BoolArray = self.levels == self.level
        return at_level

    @property
    def points(self) -> FloatArray:
        """Encoded configuration of each trial, shape (t, d)."""
        return self.space.encode(self.configs)

    @property
    def num_configs(self) -> int:
        """Number of different configurations."""
        return len(np.unique(self.points, axis=0))

    def to_frame(self, metric: str) -> pd.DataFrame:
        """A row an observation: `trial_id`, `config_...`, `level`, and the metric as reported."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(self.configs)[self.space.names]
        frame = frame.add_prefix(CONFIG_COLUMN_PREFIX)
        frame.insert(0, TRIAL_ID, self.trial_ids)
        frame = frame.iloc[self.rows].reset_index(drop=True)
        frame["level"] = self.levels
        frame[metric] = self.values
        return frame

    def take(self, positions: IntArray) -> Observations:
        """A part of the observations."""
        return Observations(
            self.space,
            self.configs,
            self.trial_ids,
            self.rows[positions],
            self.levels[positions],
            self.values[positions],
            self.resource,
            self.level,
            self.has_levels,
            self.notes,
        )


def observe(
    records: RunRecords, metric: str, mode: str, level: int | str | None = None
) -> Observations:
    """The observations of a metric that a model learns from.

    Args:
        records: The run.
        metric: Name of the metric.
        mode: `min` or `max`.
        level: See `Insight`.

    Raises:
        StoreError: If there is too little to learn from.
        ValueError: If `level` is not possible.
    """
    import pandas as pd

    frame = records.frame
    if metric not in frame.columns:
        raise StoreError(f"the results of {records.name!r} have no {metric!r} (yet)")
    values = pd.to_numeric(frame[metric], errors="coerce")
    frame = frame[values.notna()]
    if frame.empty:
        raise StoreError(f"the results of {records.name!r} have no value of {metric!r} (yet)")
    domains, notes = _encodable(records.hyperparameters)
    owners, first = _owners(frame, list(domains))
    space, configs, left_out = _configs(first, domains)
    if left_out:
        notes.append(f"{left_out} trials that do not fit the configuration space are left out")
    usable = np.array([config is not None for config in configs], dtype=bool)
    position = np.cumsum(usable) - 1
    kept = usable[owners]
    rows = position[owners[kept]]
    resource, levels = _levels(frame, records.scheduler, owners)
    numbers = values[values.notna()].to_numpy(dtype=np.float64)[kept]
    known = [config for config in configs if config is not None]
    observations = Observations(
        space,
        known,
        first[TRIAL_ID].to_numpy(dtype=np.intp)[usable],
        rows,
        levels[kept],
        numbers,
        resource,
        None,
        False,
        notes,
    )
    if not np.isfinite(numbers).any():
        raise StoreError(f"{metric!r} of {records.name!r} was never a finite number")
    if observations.num_configs < _FEWEST:
        raise StoreError(
            f"run {records.name!r} has values of {metric!r} for {observations.num_configs} "
            f"different configurations; a model needs {_FEWEST} at least"
        )
    return _at_level(observations, records.scheduler, mode, level)


def _at_level(
    observations: Observations, scheduler: Mapping[str, Any], mode: str, level: int | str | None
) -> Observations:
    has_rungs = scheduler.get("resource_attr") is not None
    chosen, notes = choose_level(
        observations.rows,
        observations.levels,
        _group_of_configs(observations.points),
        2 * len(observations.space.names) + 2,
        has_rungs,
        level,
    )
    positions, has_levels = thinned(
        observations.rows, observations.levels, observations.values, chosen, mode
    )
    part = observations.take(positions)
    seen = np.unique(part.rows)
    place = np.zeros(len(part.configs), dtype=np.intp)
    place[seen] = np.arange(len(seen))
    return Observations(
        part.space,
        [part.configs[row] for row in seen],
        part.trial_ids[seen],
        place[part.rows],
        part.levels,
        part.values,
        part.resource,
        chosen if isinstance(chosen, int) else None,
        has_levels,
        [*observations.notes, *notes],
    )


def _group_of_configs(points: FloatArray) -> IntArray:
    _, groups = np.unique(points, axis=0, return_inverse=True)
    return np.asarray(groups, dtype=np.intp).reshape(-1)


def _encodable(domains: Mapping[str, Domain]) -> tuple[dict[str, Domain], list[str]]:
    """Hyperparameters that a model can see: not those of one value or with a prior of their own."""
    kept, left_out = {}, []
    for name, domain in domains.items():
        if domain.num_values() == 1:
            continue
        try:
            make_column(domain).encode([domain.midpoint()])
        except (ConfigSpaceError, NotImplementedError):
            left_out.append(name)
        else:
            kept[name] = domain
    if not kept:
        raise StoreError("the configuration space has no hyperparameter that a model can see")
    notes = [f"{name} has a prior of its own and is left out" for name in left_out]
    return kept, notes


def _owners(frame: pd.DataFrame, names: list[str]) -> tuple[IntArray, pd.DataFrame]:
    """The trial of each row, and a row of each trial; another configuration is another trial."""
    columns = [CONFIG_COLUMN_PREFIX + name for name in names]
    known = [column for column in columns if column in frame.columns]
    keys = frame[[TRIAL_ID, *known]]
    first = keys.drop_duplicates()
    if len(first) == keys[TRIAL_ID].nunique():  # as nearly always
        owners = first[TRIAL_ID].reset_index(drop=True)
        place = dict(zip(owners.tolist(), range(len(owners)), strict=True))
        return frame[TRIAL_ID].map(place).to_numpy(dtype=np.intp), first
    groups = keys.groupby([TRIAL_ID, *known], dropna=False, sort=False)
    return groups.ngroup().to_numpy(dtype=np.intp), first


def _configs(
    first: pd.DataFrame, domains: Mapping[str, Domain]
) -> tuple[ModelledSpace, list[dict[str, Any] | None], int]:
    """The space, and the configuration of each trial; None for those that do not fit."""
    columns: dict[str, list[Any]] = {}
    for name in domains:
        column = CONFIG_COLUMN_PREFIX + name
        found = first[column].tolist() if column in first else [None] * len(first)
        columns[name] = found
    covering = {name: covering_domain(domains[name], columns[name]) for name in domains}
    values = {name: [value_in(covering[name], v) for v in columns[name]] for name in domains}
    configs: list[dict[str, Any] | None] = []
    for entries in zip(*values.values(), strict=True):
        config = dict(zip(values, entries, strict=True))
        configs.append(None if any(value is None for value in entries) else config)
    left_out = sum(config is None for config in configs)
    return ModelledSpace(domains, covering), configs, left_out


def _levels(
    frame: pd.DataFrame, scheduler: Mapping[str, Any], owners: IntArray
) -> tuple[str | None, IntArray]:
    """Name of the resource, and that of each report, from 1."""
    import pandas as pd

    known = scheduler.get("resource_attr")
    for name in (known, *_USUAL_RESOURCES):
        if name not in frame.columns:
            continue
        numbers = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        if np.isfinite(numbers).all() and (numbers >= 1).all() and (numbers % 1 == 0).all():
            return str(name), numbers.astype(np.intp)
    counted = pd.Series(owners).groupby(owners).cumcount().to_numpy(dtype=np.intp) + 1
    has_several = bool((counted > 1).any())
    return (ST_WORKER_ITER if has_several else None), counted
