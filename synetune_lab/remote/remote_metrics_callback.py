"""The best of a run, reported by its job, so that SageMaker's console charts it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.description import JobDescription
from synetune_lab.backend.sagemaker_backend.request import metric_definitions_from_names
from synetune_lab.config_space import Domain
from synetune_lab.constants import MAX_METRICS_SUPPORTED_BY_SAGEMAKER
from synetune_lab.report import Reporter
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from synetune_lab.trial import Trial

__all__ = [
    "BEST_HP_PREFIX",
    "BEST_METRIC_VALUE",
    "BEST_RESOURCE_VALUE",
    "BEST_TRIAL_ID",
    "RemoteTuningMetricsCallback",
]

BEST_METRIC_VALUE: Final = "best_metric_value"
BEST_TRIAL_ID: Final = "best_trial_id"
BEST_RESOURCE_VALUE: Final = "best_resource_value"
BEST_HP_PREFIX: Final = "best_hp_"


class RemoteTuningMetricsCallback(TunerCallback):
    """Reports the best value so far, its trial, and that trial's hyperparameters.

    A line is written whenever the best changes. SageMaker charts what is registered with the job,
    40 metrics at most; `RemoteLauncher` sees to that.

    Args:
        metric: Name of the metric.
        mode: `min` or `max`.
        config_space: Its hyperparameters are reported, too.
        resource_attr: The resource at which the best value was reported is told, too.

    Raises:
        ValueError: If the mode is none.
    """

    def __init__(
        self,
        metric: str,
        mode: str,
        config_space: Mapping[str, Any] | None = None,
        resource_attr: str | None = None,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode={mode!r} must be 'min' or 'max'")
        self._metric = metric
        self._sign = -1.0 if mode == "max" else 1.0
        self._hyperparameters = _names(config_space)
        self._resource_attr = resource_attr
        self._metric_names = self.get_metric_names(config_space, resource_attr)
        self._best: float | None = None
        self._report: Reporter | None = None

    @staticmethod
    def get_metric_names(
        config_space: Mapping[str, Any] | None, resource_attr: str | None = None
    ) -> list[str]:
        """Names of what is reported, 40 at most.

        Args:
            config_space: As for the constructor.
            resource_attr: As for the constructor.
        """
        names = [BEST_METRIC_VALUE, BEST_TRIAL_ID]
        if resource_attr is not None:
            names.append(BEST_RESOURCE_VALUE)
        names += [f"{BEST_HP_PREFIX}{name}" for name in _names(config_space)]
        return names[:MAX_METRICS_SUPPORTED_BY_SAGEMAKER]

    def register_metrics_with_estimator(self, estimator: Any) -> Any:
        """Have SageMaker chart what is reported here.

        Args:
            estimator: An estimator of the SageMaker SDK, which is changed; or a `JobDescription`.
                Where it has metrics of its own, only the first ones of ours may find room.

        Returns:
            The estimator, or a new description.
        """
        known = list(getattr(estimator, "metric_definitions", None) or [])
        room = MAX_METRICS_SUPPORTED_BY_SAGEMAKER - len(known)
        definitions = known + metric_definitions_from_names(self._metric_names[: max(0, room)])
        if isinstance(estimator, JobDescription):
            return replace(estimator, metric_definitions=definitions)
        estimator.metric_definitions = definitions
        return estimator

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_report": None}

    def on_tuning_start(self, tuner: Any) -> None:
        """The run begins, or goes on."""
        del tuner
        # The cost of the job is no metric of the best trial.
        self._report = Reporter(add_time=False, add_cost=False)

    def on_trial_result(
        self,
        trial: Trial,
        status: str,
        result: dict[str, Any],
        decision: str,
    ) -> None:
        """Report, if this is the best value so far."""
        del status, decision
        value = result.get(self._metric)
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            return
        if self._best is not None and self._sign * value >= self._sign * self._best:
            return
        self._best = float(value)
        told: dict[str, Any] = {BEST_METRIC_VALUE: self._best, BEST_TRIAL_ID: trial.trial_id}
        if self._resource_attr is not None:
            told[BEST_RESOURCE_VALUE] = result.get(self._resource_attr)
        for name in self._hyperparameters:
            told[f"{BEST_HP_PREFIX}{name}"] = trial.config.get(name)
        if self._report is not None:
            names = [name for name in self._metric_names if told.get(name) is not None]
            self._report(**{name: told[name] for name in names})


def _names(config_space: Mapping[str, Any] | None) -> list[str]:
    return [name for name, entry in (config_space or {}).items() if isinstance(entry, Domain)]
