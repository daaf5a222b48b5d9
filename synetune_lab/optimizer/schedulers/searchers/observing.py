"""Base of searchers that keep what trials have reported, at one level or at several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.base import SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.observations import Observations
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config

__all__ = ["ObservingSearcher"]


class ObservingSearcher(StochasticAndFilterDuplicatesSearcher):
    """Keeps observations in `observations`; a subclass makes a model of them in `_get_config`.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        resource_attr: Name of the resource in reports, to keep levels apart; None for one level.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticAndFilterDuplicatesSearcher._STATE,
        "observations",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None,
        allow_duplicates: bool | None,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        *,
        resource_attr: str | None = None,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            restrict_configurations,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        if not isinstance(self.metric, str):
            raise SchedulerError(f"{type(self).__name__} takes one metric, got {self.metric}")
        self.require_hyperparameters()
        self._metric_name = self.metric
        self._resource_attr = resource_attr
        self.observations = Observations(str(self.mode))

    def dataset_size(self) -> int:
        """Number of observations."""
        return len(self.observations)

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        own = self.in_space(config)
        if own is None:
            return  # it began before the space was edited, and is not in it any more
        level = 0 if self._resource_attr is None else int(result[self._resource_attr])
        self.observations.put(trial_id, own, float(result[self._metric_name]), level)

    def remove_case(self, trial_id: str, **kwargs: Any) -> None:
        """Take an observation out again."""
        level = 0 if self._resource_attr is None else int(kwargs[self._resource_attr])
        self.observations.remove(trial_id, level)

    def _random(self) -> Config | None:
        self._reason = {"kind": "random"}
        return self._get_random_config()

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another space; observations outside of its ranges are left out."""
        report = super().edit_space(config_space, defaults)
        kept, dropped = self.observations.translate(self.in_space)
        self._space_edited()
        return SpaceEditReport(
            kept=kept,
            dropped=dropped,
            points_dropped=report.points_dropped,
            note="the model goes on with what was observed inside the new space",
        )

    def _space_edited(self) -> None:
        """The space and the observations are others now (for subclasses)."""
