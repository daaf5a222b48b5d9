"""RUSH: asynchronous Hyperband that begins with what was best on other tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.config_space import Domain, remove_constant_and_cast, validate_config
from synetune_lab.errors import InvalidConfigError, SchedulerError
from synetune_lab.optimizer.schedulers.hyperband import HyperbandScheduler
from synetune_lab.optimizer.schedulers.transfer_learning.evaluations import (
    TransferLearningTaskEvaluations,
    check_evaluations,
)

__all__ = ["RUSHScheduler"]

_TYPES = ("stopping", "promotion")


class RUSHScheduler(HyperbandScheduler):
    """Tries the best configurations of other tasks first; others have to beat them at each rung.

    Zappella, Salinas, Archambeau: A resource-efficient method for repeated HPO and NAS problems,
    https://arxiv.org/abs/2103.16111.

    Args:
        config_space: Configuration space.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        metric: Name of the reported metric, and of the objective in the evaluations.
        type: `stopping` or `promotion`.
        points_to_evaluate: Configurations to try after those of other tasks; they set no hurdle.
        custom_rush_points: Configurations to try before all others; they set the hurdle, too.
        num_hyperparameters_per_task: How many of the best of each task are tried.
        hyperband_kwargs: Other arguments of `HyperbandScheduler`.

    Raises:
        SchedulerError: If an argument is not possible, or no configuration of another task fits
            the space.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        transfer_learning_evaluations: Mapping[str, TransferLearningTaskEvaluations],
        metric: str,
        type: str = "stopping",  # noqa: A002 - the documented name
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        custom_rush_points: Sequence[Mapping[str, Any]] | None = None,
        num_hyperparameters_per_task: int = 1,
        **hyperband_kwargs: Any,
    ) -> None:
        if type not in _TYPES:
            raise SchedulerError(f"type={type!r} must be 'stopping' or 'promotion'")
        evaluations = check_evaluations(transfer_learning_evaluations, config_space, metric)
        mode = hyperband_kwargs.get("mode", "min")
        own = _different(custom_rush_points or (), config_space, "custom_rush_points")
        candidates: list[Mapping[str, Any]] = []
        for known in evaluations.values():
            candidates += known.top_k_hyperparameter_configurations(
                num_hyperparameters_per_task, mode, metric
            )
        threshold = _different([*own, *_different(candidates, config_space)], config_space)
        if not threshold:
            raise SchedulerError(
                "no configuration of transfer_learning_evaluations fits the configuration space"
            )
        after = _different(points_to_evaluate or (), config_space, "points_to_evaluate")
        points = _different([*threshold, *after], config_space)
        super().__init__(
            config_space,
            metric=metric,
            type=f"rush_{type}",
            points_to_evaluate=points,
            rung_system_kwargs={
                **(hyperband_kwargs.pop("rung_system_kwargs", None) or {}),
                "num_threshold_candidates": len(threshold),
            },
            **hyperband_kwargs,
        )


def _different(
    configs: Sequence[Mapping[str, Any]], config_space: Mapping[str, Any], name: str | None = None
) -> list[dict[str, Any]]:
    """Configurations that fit the space, each once; partial ones as they are.

    Args:
        configs: Configurations, of this task or another one.
        config_space: The space.
        name: The argument that they come from; None for those of other tasks, which are left out if
            they do not fit.

    Raises:
        InvalidConfigError: If one that the user gave does not fit.
    """
    names = [name for name, entry in config_space.items() if isinstance(entry, Domain)]
    kept: list[dict[str, Any]] = []
    for index, config in enumerate(configs):
        own = {name: value for name, value in config.items() if name in names}
        if len(own) == len(names):
            try:
                own = remove_constant_and_cast(own, config_space)
                validate_config(own, config_space)
            except InvalidConfigError as error:
                if name is not None:
                    raise InvalidConfigError(f"{name}[{index}]: {error}") from None
                continue  # outside of this task's ranges
        if own not in kept:
            kept.append(own)
    return kept
