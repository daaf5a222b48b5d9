"""Chooses what is likely among good configurations and unlikely among bad ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Domain
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.kde.density import KernelDensity, MixedEncoding
from synetune_lab.optimizer.schedulers.searchers.observing import ObservingSearcher

if TYPE_CHECKING:
    from synetune_lab.optimizer.schedulers.searchers.base import Config
    from synetune_lab.optimizer.schedulers.searchers.observations import LevelData

__all__ = ["KernelDensityEstimator"]

_MOST_POINTS = 512


class KernelDensityEstimator(ObservingSearcher):
    """Fits a density to the good configurations and one to the others, and maximises their ratio.

    Bergstra, Bardenet, Bengio, Kegl: Algorithms for Hyper-Parameter Optimization, NeurIPS 2011, in
    the form of Falkner, Klein, Hutter: BOHB: Robust and Efficient Hyperparameter Optimization at
    Scale, https://arxiv.org/abs/1807.01774.

    A density is made of 512 points at most: of more good or bad ones, every so-manyth in their
    order, so that a suggestion takes as long after 100,000 observations as after 1,000.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        num_min_data_points: Draw at random up to so many observations; None for the number of
            hyperparameters.
        top_n_percent: Share of observations that are good, in percent.
        min_bandwidth: Least bandwidth of a kernel.
        num_candidates: Configurations to choose from.
        bandwidth_factor: Candidates are drawn with bandwidths so many times as large.
        random_fraction: Share of configurations that are drawn at random.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        num_min_data_points: int | None = None,
        top_n_percent: float = 15,
        min_bandwidth: float = 1e-3,
        num_candidates: int = 64,
        bandwidth_factor: float = 3,
        random_fraction: float = 0.33,
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
            resource_attr=_resource_attr,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        numbers: dict[str, Any] = {
            "num_min_data_points": 1 if num_min_data_points is None else num_min_data_points,
            "top_n_percent": top_n_percent,
            "min_bandwidth": min_bandwidth,
            "num_candidates": num_candidates,
            "bandwidth_factor": bandwidth_factor,
            "random_fraction": random_fraction,
        }
        for name, value in numbers.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            _require(is_number, name, value, "a number")
        dimension = sum(isinstance(entry, Domain) for entry in self.config_space.values())
        self.num_min_data_points = dimension if num_min_data_points is None else num_min_data_points
        self.top_n_percent = top_n_percent
        self.min_bandwidth = min_bandwidth
        self.num_candidates = num_candidates
        self.bandwidth_factor = bandwidth_factor
        self.random_fraction = random_fraction
        least = self.num_min_data_points
        _require(least >= 1, "num_min_data_points", num_min_data_points, "from 1")
        _require(0 < top_n_percent < 100, "top_n_percent", top_n_percent, "in (0, 100)")
        _require(min_bandwidth > 0, "min_bandwidth", min_bandwidth, "above 0")
        _require(num_candidates >= 1, "num_candidates", num_candidates, "from 1")
        _require(bandwidth_factor > 0, "bandwidth_factor", bandwidth_factor, "above 0")
        _require(0 <= random_fraction <= 1, "random_fraction", random_fraction, "in [0, 1]")
        self._space_edited()

    def _space_edited(self) -> None:
        self._encoding = MixedEncoding(self.config_space)
        # Encoded configurations by level, and how many: rows are added, never changed.
        self._encoded: dict[int, tuple[np.ndarray, int]] = {}

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other._space_edited()
        return other

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_encoded": {}}

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        if self.random_state.uniform() < self.random_fraction:
            return self._random()
        chosen = self.observations.highest(self.num_min_data_points)
        if chosen is None or not np.isfinite(chosen[1].order[0][0]):
            return self._random()
        return self._suggest_from(*chosen) or self._random()

    def _suggest_from(self, level: int, data: LevelData) -> Config | None:
        """The candidate with the highest ratio of densities; None if all were tried."""
        count, least = len(data), self.num_min_data_points
        num_good = min(count, max(least, int(count * self.top_n_percent / 100)))
        num_bad = min(count, max(least, int(count * (100 - self.top_n_percent) / 100)))
        encoded = self._encoded_rows(level, data)
        good, bad = (
            KernelDensity(
                encoded[[data.order[place][1] for place in _thinned(begin, end)]],
                self._encoding.num_numbers,
                self._encoding.sizes,
                self.min_bandwidth,
            )
            for begin, end in ((0, num_good), (count - num_bad, count))
        )
        candidates = good.draw(self.num_candidates, self.bandwidth_factor, self.random_state)
        log_good, log_bad = good.log_density(candidates), bad.log_density(candidates)
        score = log_good - log_bad
        for index in np.argsort(-score, kind="stable"):
            config = self._encoding.decode(candidates[index])
            if not self.should_not_suggest(config):
                self._reason = {
                    "kind": "model",
                    "model": "densities",
                    "score": float(score[index]),
                    "log_good": float(log_good[index]),
                    "log_bad": float(log_bad[index]),
                    "num_good": num_good,
                    "num_bad": num_bad,
                    "num_candidates": self.num_candidates,
                }
                if self._resource_attr is not None:
                    self._reason["level"] = level
                return config
        return None

    def _encoded_rows(self, level: int, data: LevelData) -> np.ndarray:
        """Encoded configurations at a level, by row; more rows may follow that mean nothing."""
        count = len(data.configs)
        known, filled = self._encoded.get(level, (None, 0))
        if known is None or filled < count:
            fresh = self._encoding.encode(data.configs[filled:])
            if known is None or count > len(known):
                grown = np.empty((2 * count, fresh.shape[1]))
                if known is not None:
                    grown[:filled] = known[:filled]
                known = grown
            known[filled:count] = fresh
            self._encoded[level] = known, count
        return known


def _thinned(begin: int, end: int) -> Sequence[int]:
    """Places from `begin` up to `end`, as many as a density is made of, evenly spread."""
    if end - begin <= _MOST_POINTS:
        return range(begin, end)
    places: list[int] = np.linspace(begin, end - 1, _MOST_POINTS).round().astype(int).tolist()
    return places


def _require(holds: bool, name: str, value: Any, wanted: str) -> None:
    if not holds:
        raise SchedulerError(f"{name}={value!r} must be {wanted}")
