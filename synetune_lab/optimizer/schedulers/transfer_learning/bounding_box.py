"""Restricts the search to the box that holds the best configurations of other tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import Categorical, Domain, Ordinal, choice, restrict_domain
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.scheduler import TrialScheduler, TrialSuggestion
from synetune_lab.optimizer.schedulers.transfer_learning.evaluations import (
    TransferLearningTaskEvaluations,
    check_evaluations,
)

if TYPE_CHECKING:
    from synetune_lab.trial import Trial

__all__ = ["BoundingBox"]

SchedulerFunction = Callable[[dict[str, Any], str, str], TrialScheduler]


class BoundingBox(TrialScheduler):
    """Draws from the box around the best configurations of other tasks.

    Numbers are restricted to the range of the best, categories to their values. Perrone, Shen,
    Seeger, Archambeau, Jenatton: Learning search spaces for Bayesian optimization: Another view of
    hyperparameter transfer learning, https://arxiv.org/abs/1909.12552.

    Args:
        scheduler_fun: Called as `scheduler_fun(new_config_space, mode, metric)` for the scheduler
            that is to be used inside the box.
        config_space: Configuration space.
        metric: Name of the reported metric, and of the objective in the evaluations.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        mode: `min` (default) or `max`.
        num_hyperparameters_per_task: How many of the best of each task are to be in the box.

    Raises:
        SchedulerError: If an argument is not possible.
    """

    def __init__(
        self,
        scheduler_fun: SchedulerFunction,
        config_space: Mapping[str, Any],
        metric: str,
        transfer_learning_evaluations: Mapping[str, TransferLearningTaskEvaluations],
        mode: str | None = None,
        num_hyperparameters_per_task: int = 1,
    ) -> None:
        mode = "min" if mode is None else mode
        evaluations = check_evaluations(transfer_learning_evaluations, config_space, metric)
        best = [
            config
            for known in evaluations.values()
            for config in known.top_k_hyperparameter_configurations(
                num_hyperparameters_per_task, mode, metric
            )
        ]
        box = {
            name: bounded(name, entry, [config[name] for config in best])
            if isinstance(entry, Domain)
            else entry
            for name, entry in config_space.items()
        }
        super().__init__(box)
        self.scheduler = scheduler_fun(dict(box), mode, metric)
        if not isinstance(self.scheduler, TrialScheduler):
            raise SchedulerError(
                f"scheduler_fun must return a scheduler, got {type(self.scheduler).__name__}"
            )

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        return self.scheduler.suggest(trial_id)

    def on_trial_add(self, trial: Trial) -> None:
        """As the scheduler inside."""
        self.scheduler.on_trial_add(trial)

    def on_trial_error(self, trial: Trial) -> None:
        """As the scheduler inside."""
        self.scheduler.on_trial_error(trial)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """As the scheduler inside."""
        return self.scheduler.on_trial_result(trial, result)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """As the scheduler inside."""
        self.scheduler.on_trial_complete(trial, result)

    def on_trial_remove(self, trial: Trial) -> None:
        """As the scheduler inside."""
        self.scheduler.on_trial_remove(trial)

    def metric_names(self) -> list[str]:
        """As the scheduler inside."""
        return self.scheduler.metric_names()

    def metric_mode(self) -> str | list[str]:
        """As the scheduler inside."""
        return self.scheduler.metric_mode()

    def trials_checkpoints_can_be_removed(self) -> list[int]:
        """As the scheduler inside."""
        return self.scheduler.trials_checkpoints_can_be_removed()

    def reason(self) -> dict[str, Any] | None:
        """As the scheduler inside."""
        return self.scheduler.reason()

    def describe(self) -> dict[str, Any]:
        """As the scheduler inside, under this name."""
        return {**self.scheduler.describe(), "name": type(self).__name__}

    def on_trial_resumed_by_user(self, trial: Trial) -> dict[str, Any] | None:
        """As the scheduler inside."""
        return self.scheduler.on_trial_resumed_by_user(trial)

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """As the scheduler inside: the new space is taken as it is."""
        report = self.scheduler.edit_space(config_space, defaults)
        self.config_space = dict(config_space)
        return report


def bounded(name: str, domain: Domain, values: list[Any]) -> Any:
    """The part of a domain that holds these values; a constant if there is only one.

    Raises:
        SchedulerError: If a value is not possible there.
    """
    different = (
        sorted(set(values)) if not isinstance(values[0], str) else list(dict.fromkeys(values))
    )
    if len(different) == 1:
        return domain.cast(different[0])
    if isinstance(domain, Categorical) and not isinstance(domain, Ordinal):
        kept = [value for value in domain.categories if value in different]
        if not kept:
            raise SchedulerError(f"{name}: none of {different} is a value of {domain}")
        return kept[0] if len(kept) == 1 else choice(kept)
    return restrict_domain(domain, different[0], different[-1])
