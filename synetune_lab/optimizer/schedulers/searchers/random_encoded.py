"""Configurations whose encodings are uniform in the unit cube."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import make_hyperparameter_ranges
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)

if TYPE_CHECKING:
    import numpy as np

    from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport

__all__ = ["RandomEncodedSearcher"]

_DRAWS = 1000


class RandomEncodedSearcher(StochasticAndFilterDuplicatesSearcher):
    """Draws vectors of the unit cube and decodes them: the default of DEHB's first rung.

    For ranges this is the prior; a category with a vector of several coordinates is drawn with the
    entropy of those.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Attributes:
        last_vector: What the last configuration was decoded from; None if it came otherwise.
    """

    _STATE = (*StochasticAndFilterDuplicatesSearcher._STATE, "_ranges")

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        self._ranges = make_hyperparameter_ranges(self.config_space)
        self.last_vector: np.ndarray | None = None

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        """See `BaseSearcher.get_config`."""
        self.last_vector = None
        return super().get_config(trial_id, **kwargs)

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        self._reason = {"kind": "random"}
        for _ in range(_DRAWS):
            vector = self.random_state.uniform(size=self._ranges.ndarray_size)
            config = self._ranges.from_ndarray(vector)
            if not self.should_not_suggest(config):
                self.last_vector = vector
                return config
        return self._get_random_config()

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Draw from another space."""
        report = super().edit_space(config_space, defaults)
        self._ranges = make_hyperparameter_ranges(self.config_space)
        return report
