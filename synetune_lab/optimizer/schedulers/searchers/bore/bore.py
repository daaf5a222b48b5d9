"""Chooses the configuration that a classifier takes for a good one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import make_hyperparameter_ranges
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bore.classifiers import (
    chance_of_good,
    fit_classifier,
    make_classifier,
)
from synetune_lab.optimizer.schedulers.searchers.observing import ObservingSearcher

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.observations import LevelData

__all__ = ["Bore"]

_OPTIMIZERS = ("rs", "rs_with_replacement", "de")
_DE_POPULATION = 20


class Bore(ObservingSearcher):
    """Labels the best share of observations as good, and maximises a classifier's chance of it.

    Tiao, Klein, Seeger, Bonilla, Archambeau, Ramos: BORE: Bayesian Optimization by Density-Ratio
    Estimation, https://arxiv.org/abs/2102.09009.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        gamma: Share of observations that are good, in (0, 1).
        calibrate: Whether the classifier's chances are calibrated by cross-validation.
        classifier: `xgboost` (needs the extra `blackbox`), `rf`, `mlp`, `gp` or `logreg`.
        acq_optimizer: `rs` (random candidates, none twice), `rs_with_replacement`, or `de`
            (differential evolution).
        feval_acq: At most so many configurations are scored for a suggestion.
        random_prob: Chance of a suggestion to be drawn at random.
        init_random: Draw at random up to so many observations.
        classifier_kwargs: Arguments of the classifier.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
        MissingDependencyError: If the classifier's library is not installed.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        gamma: float = 0.25,
        calibrate: bool = False,
        classifier: str = "xgboost",
        acq_optimizer: str = "rs",
        feval_acq: int = 500,
        random_prob: float = 0.0,
        init_random: int = 6,
        classifier_kwargs: Mapping[str, Any] | None = None,
        *,
        mode: str = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
        _resource_attr: str | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            allow_duplicates,
            restrict_configurations,
            resource_attr=_resource_attr,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        if not 0 < gamma < 1:
            raise SchedulerError(f"gamma={gamma!r} must be in (0, 1)")
        if acq_optimizer not in _OPTIMIZERS:
            raise SchedulerError(
                f"acq_optimizer={acq_optimizer!r} is not known; there are {', '.join(_OPTIMIZERS)}"
            )
        if feval_acq < 1:
            raise SchedulerError(f"feval_acq={feval_acq!r} must be at least 1")
        if not 0 <= random_prob <= 1:
            raise SchedulerError(f"random_prob={random_prob!r} must be in [0, 1]")
        if init_random < 1:
            raise SchedulerError(f"init_random={init_random!r} must be at least 1")
        if restrict_configurations is not None and acq_optimizer == "de":
            raise SchedulerError(
                "acq_optimizer='de' can't keep to restrict_configurations; use 'rs'"
            )
        self.gamma = gamma
        self.calibrate = bool(calibrate)
        self.classifier = classifier
        self.acq_optimizer = acq_optimizer
        self.feval_acq = feval_acq
        self.random_prob = random_prob
        self.init_random = init_random
        self.classifier_kwargs = dict(classifier_kwargs or {})
        make_classifier(classifier, self.classifier_kwargs, 0)  # tells early what is missing
        self._space_edited()

    def _space_edited(self) -> None:
        self._ranges = make_hyperparameter_ranges(self.config_space)

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other._space_edited()
        return other

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        if self.random_prob and self.random_state.uniform() < self.random_prob:
            return self._random()
        chosen = self.observations.highest(self.init_random)
        if chosen is None:
            return self._random()
        return self._suggest_from(*chosen) or self._random()

    def _suggest_from(self, level: int, data: LevelData) -> Config | None:
        values = np.array([value for value, _ in data.order])
        if not np.isfinite(values[0]):
            return None
        labels = (values <= np.quantile(values, self.gamma, method="lower")).astype(np.int64)
        if labels.all():
            return None
        features = self._ranges.to_ndarray_matrix([data.configs[row] for _, row in data.order])
        seed = int(self.random_state.randint(2**31 - 1))
        model = make_classifier(self.classifier, self.classifier_kwargs, seed)
        model = fit_classifier(model, features, labels, self.calibrate)
        found = self._by_evolution(model, seed) if self.acq_optimizer == "de" else None
        if found is None:
            found = self._by_random_search(model)
        if found is None:
            return None
        config, chance, num_candidates = found
        self._reason = {
            "kind": "model",
            "model": self.classifier,
            "score": chance,
            "num_good": int(labels.sum()),
            "num_bad": int(len(labels) - labels.sum()),
            "num_candidates": num_candidates,
        }
        if self._resource_attr is not None:
            self._reason["level"] = level
        return config

    def _by_random_search(self, model: Any) -> tuple[Config, float, int] | None:
        configs = self._candidates()
        if not configs:
            return None
        chances = chance_of_good(model, self._ranges.to_ndarray_matrix(configs))
        best = int(np.argmax(chances))
        return configs[best], float(chances[best]), len(configs)

    def _candidates(self) -> list[Config]:
        """Random configurations that may be suggested."""
        if self._restricted is not None:
            count = min(self.feval_acq, len(self._restricted))
            rows = self.random_state.permutation(len(self._restricted))[:count]
            return [dict(self._restricted[int(row)][0]) for row in rows]
        drawn = self._ranges.random_configs(self.random_state, self.feval_acq)
        again = self.acq_optimizer == "rs_with_replacement" and self._allow_duplicates
        seen: set[bytes] = set()
        taken = []
        for config in drawn:
            key = self._keyer.key(config)
            if key in self._excluded or (not again and key in seen):
                continue
            seen.add(key)
            taken.append(config)
        return taken

    def _by_evolution(self, model: Any, seed: int) -> tuple[Config, float, int] | None:
        """Differential evolution over the encoded box; None if what it found was tried before."""
        from scipy.optimize import differential_evolution

        dimension = self._ranges.ndarray_size
        per_dimension = max(1, _DE_POPULATION // dimension)
        population = max(5, per_dimension * dimension)

        def chance_of_bad(vectors: Any) -> Any:
            return -chance_of_good(model, vectors.T)

        bounds: Any = self._ranges.get_ndarray_bounds()
        result = differential_evolution(
            chance_of_bad,
            bounds,
            strategy="best1bin",
            maxiter=max(1, self.feval_acq // population - 1),
            popsize=per_dimension,
            rng=seed,
            polish=False,
            vectorized=True,
            updating="deferred",
        )
        config = self._ranges.from_ndarray(result.x)
        if self.should_not_suggest(config):
            return None
        chance = chance_of_good(model, self._ranges.to_ndarray_matrix([config]))
        return config, float(chance[0]), int(result.nfev) * population
