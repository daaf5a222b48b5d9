"""Random search."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config

__all__ = ["RandomSearcher"]

logger = logging.getLogger(__name__)

_DRAWN = {"kind": "random"}  # one for all: each trial keeps its reason


class RandomSearcher(StochasticAndFilterDuplicatesSearcher):
    """Draws each configuration from the prior of the space, by default none twice.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        debug_log: Whether choices and results are logged.
        resource_attr: Name of the resource in reports; only shown in the log.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str | Sequence[str],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        debug_log: bool = False,
        resource_attr: str | None = None,
        allow_duplicates: bool | None = None,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        *,
        mode: str | Sequence[str] = "min",
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
        self._debug_log = bool(debug_log)
        self._resource_attr = resource_attr

    @property
    def debug_log(self) -> logging.Logger | None:
        """The logger that choices are written to, or None."""
        return logger if self._debug_log else None

    def _get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        del kwargs
        config = self._get_random_config()
        self._reason = _DRAWN
        if self._debug_log:
            logger.info("trial %s: %s", trial_id, config or "no configuration is left")
        return config

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        del config
        if self._debug_log:
            names = [self.metric] if isinstance(self.metric, str) else list(self.metric)
            if self._resource_attr is not None:
                names.append(self._resource_attr)
            logger.info("trial %s: %s", trial_id, {name: result.get(name) for name in names})
