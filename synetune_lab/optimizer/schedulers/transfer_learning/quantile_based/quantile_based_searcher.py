"""Suggests by a surrogate that was fitted to the ranks of configurations on other tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import make_hyperparameter_ranges
from synetune_lab.errors import SchedulerError
from synetune_lab.extras import require
from synetune_lab.optimizer.schedulers.searchers.stochastic import (
    StochasticAndFilterDuplicatesSearcher,
)
from synetune_lab.optimizer.schedulers.transfer_learning.evaluations import (
    TransferLearningTaskEvaluations,
    check_evaluations,
)
from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based.normalization import (
    gaussian_ranks,
    standardised,
)

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport

__all__ = ["QuantileBasedSurrogateSearcher"]

_NORMALIZATIONS = {"gaussian": gaussian_ranks, "standard": standardised}
_CANDIDATES = 2000


class QuantileBasedSurrogateSearcher(StochasticAndFilterDuplicatesSearcher):
    """Draws a plausible value for each candidate from the surrogate, and takes the best.

    The values of each task are replaced by normal quantiles of their ranks, so that tasks of other
    scales can be learnt from together. What is observed on this task is not learnt from. Salinas,
    Shen, Perrone: A Quantile-based Approach for Hyperparameter Transfer Learning, ICML 2020.

    Args:
        config_space: See `BaseSearcher`.
        metric: Name of the metric, and of the objective in the evaluations.
        transfer_learning_evaluations: Evaluations of other tasks, by name.
        mode: `min` (default) or `max`.
        max_fit_samples: At most so many evaluations are learnt from, drawn at random.
        normalization: What makes the values of tasks alike: `gaussian` (their ranks as quantiles of
            a normal distribution) or `standard` (mean 0, standard deviation 1).
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is not possible.
        MissingDependencyError: If xgboost is not installed.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        transfer_learning_evaluations: Mapping[str, TransferLearningTaskEvaluations],
        mode: str | None = None,
        max_fit_samples: int = 100_000,
        normalization: str = "gaussian",
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        *,
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            mode="min" if mode is None else mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        if normalization not in _NORMALIZATIONS:
            raise SchedulerError(
                f"normalization={normalization!r} is not known; there are "
                f"{', '.join(_NORMALIZATIONS)}"
            )
        if max_fit_samples < 1:
            raise SchedulerError(f"max_fit_samples={max_fit_samples!r} must be at least 1")
        self._evaluations = check_evaluations(
            transfer_learning_evaluations, self.config_space, metric
        )
        self.max_fit_samples = max_fit_samples
        self.normalization = normalization
        self._fit()

    def _fit(self) -> None:
        """Fit the surrogate in the present space."""
        self._ranges = make_hyperparameter_ranges(self.config_space)
        normalise = _NORMALIZATIONS[self.normalization]
        sign = 1.0 if self.mode == "min" else -1.0
        features, targets = [], []
        for known in self._evaluations.values():
            columns = {n: known.hyperparameters[n].tolist() for n in self._ranges.internal_keys}
            configs = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            inside = [
                i
                for i, config in enumerate(configs)
                if all(self.config_space[n].is_valid(v) for n, v in config.items())
            ]
            if inside:
                values = sign * known.best_values(str(self.metric), str(self.mode))
                features.append(self._ranges.to_ndarray_matrix([configs[i] for i in inside]))
                targets.append(normalise(values)[inside])
        if not features:
            raise SchedulerError(
                "no configuration of transfer_learning_evaluations is inside the space"
            )
        x, y = np.concatenate(features), np.concatenate(targets)
        if len(x) > self.max_fit_samples:
            rows = self.random_state.permutation(len(x))[: self.max_fit_samples]
            x, y = x[rows], y[rows]
        xgboost = require("xgboost", extra="blackbox", purpose="quantile-based transfer learning")
        seed = int(self.random_state.randint(2**31 - 1))
        self._model = xgboost.XGBRegressor(n_jobs=1, random_state=seed).fit(x, y)
        self._spread = float(np.std(y - self._model.predict(x))) or 1e-6

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        configs = self._ranges.random_configs(self.random_state, _CANDIDATES)
        configs = [config for config in configs if not self.should_not_suggest(config)]
        if not configs:
            self._reason = {"kind": "random"}
            return self._get_random_config()
        mean = self._model.predict(self._ranges.to_ndarray_matrix(configs))
        drawn = mean + self._spread * self.random_state.standard_normal(len(configs))
        best = int(np.argmin(drawn))
        self._reason = {
            "kind": "model",
            "model": "other tasks",
            "score": float(drawn[best]),
            "mean": float(mean[best]),
            "num_candidates": len(configs),
        }
        return configs[best]

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Choose from another space with the same hyperparameters."""
        own = self._ranges.internal_keys
        added = [n for n, e in config_space.items() if hasattr(e, "sample") and n not in own]
        if added:
            raise SchedulerError(
                f"{type(self).__name__} knows nothing of {added} on the other tasks; only ranges "
                "and choices can be edited"
            )
        report = super().edit_space(config_space, defaults)
        self._fit()
        return report
