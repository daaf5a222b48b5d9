"""What was evaluated on other tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Domain
from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TransferLearningTaskEvaluations", "check_evaluations"]


@dataclass
class TransferLearningTaskEvaluations:
    """Evaluations of one task.

    Attributes:
        configuration_space: The space that they were drawn from.
        hyperparameters: One row a configuration.
        objectives_names: Names of the objectives.
        objectives_evaluations: Shape (configurations, seeds, fidelities, objectives).

    Raises:
        SchedulerError: If shapes or names do not fit.
    """

    configuration_space: dict[str, Any]
    hyperparameters: pd.DataFrame
    objectives_names: Sequence[str]
    objectives_evaluations: np.ndarray

    def __post_init__(self) -> None:
        shape = np.shape(self.objectives_evaluations)
        if len(shape) != 4 or shape[0] != len(self.hyperparameters):
            raise SchedulerError(
                "objectives_evaluations must have the shape (configurations, seeds, fidelities, "
                f"objectives) with {len(self.hyperparameters)} configurations, got {shape}"
            )
        if shape[3] != len(self.objectives_names):
            raise SchedulerError(
                f"objectives_names has {len(self.objectives_names)} names for {shape[3]} objectives"
            )
        names = [n for n, entry in self.configuration_space.items() if isinstance(entry, Domain)]
        missing = [name for name in names if name not in self.hyperparameters.columns]
        if missing:
            raise SchedulerError(f"hyperparameters lacks the columns {missing}")
        self.names = names

    def objective_index(self, objective_name: str) -> int:
        """Position of an objective.

        Raises:
            SchedulerError: If there is no such objective.
        """
        names = list(self.objectives_names)
        if objective_name not in names:
            raise SchedulerError(f"{objective_name!r} is not an objective; there are {names}")
        return names.index(objective_name)

    def objective_values(self, objective_name: str) -> np.ndarray:
        """Values of an objective, shape (configurations, seeds, fidelities)."""
        values: np.ndarray = self.objectives_evaluations[..., self.objective_index(objective_name)]
        return values

    def best_values(self, objective: str, mode: str) -> np.ndarray:
        """For each configuration its best value at any fidelity, on average over seeds."""
        values = self.objective_values(objective).astype(np.float64)
        worst = np.inf if mode == "min" else -np.inf
        values = np.where(np.isnan(values), worst, values)
        over_fidelities = values.min(axis=2) if mode == "min" else values.max(axis=2)
        best: np.ndarray = over_fidelities.mean(axis=1)
        return best

    def top_k_hyperparameter_configurations(
        self, k: int, mode: str, objective: str
    ) -> list[dict[str, Any]]:
        """The k best configurations, best first.

        Raises:
            SchedulerError: If `k` or `mode` is not possible.
        """
        if k < 1:
            raise SchedulerError(f"k={k!r} must be a positive integer")
        if mode not in ("min", "max"):
            raise SchedulerError(f"mode={mode!r} must be 'min' or 'max'")
        best = self.best_values(objective, mode)
        order = np.argsort(best if mode == "min" else -best, kind="stable")[:k]
        columns = {name: self.hyperparameters[name].tolist() for name in self.names}
        return [{name: columns[name][row] for name in self.names} for row in order]


def check_evaluations(
    evaluations: Any, config_space: Mapping[str, Any], metric: str
) -> dict[str, TransferLearningTaskEvaluations]:
    """Evaluations of other tasks, checked against the space and metric of this one.

    Raises:
        SchedulerError: If they do not fit.
    """
    if not isinstance(evaluations, Mapping) or not evaluations:
        raise SchedulerError(
            "transfer_learning_evaluations must map names of tasks to "
            f"TransferLearningTaskEvaluations, at least one; got {evaluations!r:.100}"
        )
    for task, known in evaluations.items():
        if not isinstance(known, TransferLearningTaskEvaluations):
            raise SchedulerError(
                f"transfer_learning_evaluations[{task!r}] must be TransferLearningTaskEvaluations, "
                f"got {type(known).__name__}"
            )
        known.objective_index(metric)
        missing = [
            name
            for name, entry in config_space.items()
            if isinstance(entry, Domain) and name not in known.names
        ]
        if missing:
            raise SchedulerError(
                f"transfer_learning_evaluations[{task!r}] lacks the hyperparameters {missing}"
            )
    return dict(evaluations)
