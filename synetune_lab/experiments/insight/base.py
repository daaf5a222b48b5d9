"""What an insight rests on: what was observed, the model of it, the best so far."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.experiments.insight.observations import observe
from synetune_lab.experiments.insight.words import config_words, number

if TYPE_CHECKING:
    import pandas as pd

    from synetune_lab.experiments.insight.records import RunRecords
    from synetune_lab.experiments.insight.surrogate import Surrogate

__all__ = ["InsightBase"]

_FEWEST_TO_KEEP = 20


class InsightBase:
    """What `Insight` knows before it is asked; see there for arguments and attributes.

    Attributes:
        records: The run at one moment.
        observed: What the model may learn from.
        random_seed: Of all that is drawn.
    """

    def __init__(
        self,
        records: RunRecords,
        metric: int | str | None = None,
        *,
        level: int | str | None = None,
        random_seed: int = 0,
        max_observations: int = 500,
    ) -> None:
        if max_observations < _FEWEST_TO_KEEP:
            raise ValueError(
                f"max_observations={max_observations!r} must be a whole number, at least "
                f"{_FEWEST_TO_KEEP}"
            )
        self.name = records.name
        self.metric, self.mode = records.metric(metric)
        self.records = records
        self.random_seed = random_seed
        self.observed = observe(records, self.metric, self.mode, level)
        self._max_observations = max_observations
        self.level = self.observed.level

    @cached_property
    def surrogate(self) -> Surrogate:
        """The model, made when it is first asked for."""
        from synetune_lab.experiments.insight.cap import capped
        from synetune_lab.experiments.insight.surrogate import Surrogate

        part = capped(self.observed, self._max_observations, self.mode, self.random_seed)
        return Surrogate(part, self.mode, self.random_seed)

    @property
    def notes(self) -> list[str]:
        """What a reader should know, as what was left out."""
        notes = list(self.observed.notes)
        if len(self.observed) > self._max_observations:
            notes.append(
                f"of {len(self.observed)} observations, the model has {self._max_observations}"
            )
        return notes

    @property
    def hyperparameters(self) -> list[str]:
        """The hyperparameters of the model. Constants are none."""
        return self.observed.space.names

    @property
    def num_configurations(self) -> int:
        """Number of different configurations that were observed."""
        return self.observed.num_configs

    @property
    def observations(self) -> pd.DataFrame:
        """A row an observation: `trial_id`, `config_...`, `level`, and the metric as reported."""
        return self.observed.to_frame(self.metric)

    @cached_property
    def _best(self) -> int:
        """The observation with the best value, at the level if some are there."""
        observed = self.observed
        values = observed.values if self.mode == "min" else -observed.values
        values = np.where(np.isfinite(values), values, np.inf)
        at_level = observed.is_at_level
        return int(np.argmin(np.where(at_level, values, np.inf) if at_level.any() else values))

    @property
    def best_config(self) -> dict[str, Any]:
        """The configuration with the best value at the level; slices go through it by default."""
        return dict(self.observed.configs[self.observed.rows[self._best]])

    @property
    def best_value(self) -> float:
        """The best value at the level."""
        return float(self.observed.values[self._best])

    @property
    def best_trial_id(self) -> int:
        """The trial that reported it."""
        return int(self.observed.trial_ids[self.observed.rows[self._best]])

    @property
    def metric_words(self) -> str:
        """The metric with the level that answers are of, for titles of axes."""
        if self.level is None or self.observed.resource is None:
            return self.metric
        if self.observed.resource.startswith("st_"):
            return f"{self.metric} at report {self.level}"
        return f"{self.metric} at {self.observed.resource} {self.level}"

    def __repr__(self) -> str:
        lines = [
            f"Insight into {self.name}: {self.metric_words} ({self.mode}), from "
            f"{self.num_configurations} configurations of {len(self.hyperparameters)} "
            "hyperparameters",
            f"best: {number(self.best_value)} of trial {self.best_trial_id} "
            f"({config_words(self.best_config)})",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)
