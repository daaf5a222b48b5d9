"""Bayesian optimisation whose Gaussian process and acquisition function are BoTorch's."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.config_space import Categorical, make_hyperparameter_ranges
from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import tamed
from synetune_lab.optimizer.schedulers.searchers.botorch.gaussian_process import (
    BotorchModel,
    failures,
    load,
    reproducible,
)
from synetune_lab.optimizer.schedulers.searchers.observing import ObservingSearcher

if TYPE_CHECKING:
    from synetune_lab.config_space.ranges import HyperparameterRanges
    from synetune_lab.optimizer.schedulers.searchers.base import Config

__all__ = ["BoTorchSearcher", "BotorchSearcher"]

logger = logging.getLogger(__name__)

_NUM_CANDIDATES = 500
# Candidates near the best observations: how many of these, how many near each, and how near.
_NUM_CENTRES, _NUM_NEIGHBOURS, _DISTANCES = 3, 20, (0.02, 0.1)
_NUM_STARTS = 3


class BoTorchSearcher(ObservingSearcher):
    """Bayesian optimisation with BoTorch: `SingleTaskGP` and expected improvement.

    Balandat, Karrer, Jiang, Daulton, Letham, Wilson, Bakshy: BoTorch: A Framework for Efficient
    Monte-Carlo Bayesian Optimization, https://arxiv.org/abs/1910.06403.

    It learns from the last report of each trial, so that it goes with `FIFOScheduler` and not with
    schedulers that compare trials at rung levels. Where a model can't be fitted, the configuration
    is drawn at random, and the log says why.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: See `StochasticAndFilterDuplicatesSearcher`.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        mode: See `BaseSearcher`.
        num_init_random: Configurations are random until there are so many observations.
        no_fantasizing: Whether trials that are being evaluated are passed over. They are told apart
            less well then.
        max_num_observations: The model is fitted to at most so many observations: the best one and
            others drawn at random. None for all.
        input_warping: Whether the model learns on which scale each number matters.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If an argument is out of range.
        MissingDependencyError: If botorch is not installed.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *ObservingSearcher._STATE,
        "_pending",
        "_num_suggestions",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = False,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        mode: str = "min",
        num_init_random: int = 3,
        no_fantasizing: bool = False,
        max_num_observations: int | None = 200,
        input_warping: bool = True,
        *,
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
        if not _is_count(num_init_random, 0):
            raise SchedulerError(f"num_init_random={num_init_random!r} must be an integer from 0")
        if max_num_observations is not None and not _is_count(max_num_observations, 2):
            raise SchedulerError(
                f"max_num_observations={max_num_observations!r} must be an integer from 2, or None"
            )
        for module in ("torch", "gpytorch", "botorch"):
            load(module)  # tells early what is missing
        self.num_init_random = num_init_random
        self.no_fantasizing = bool(no_fantasizing)
        self.max_num_observations = max_num_observations
        self.input_warping = bool(input_warping)
        self._pending: dict[str, Config] = {}
        self._num_suggestions = 0
        self._ranges = self._make_ranges()

    # What a scheduler calls

    def configure_scheduler(self, scheduler: Any) -> None:
        """Refuse schedulers with rung levels.

        Raises:
            SchedulerError: If it is one.
        """
        # Others have the name of the resource as well, but only these compare trials at levels.
        if hasattr(type(scheduler), "resource_attr"):
            raise SchedulerError(
                f"{type(self).__name__} does not tell resource levels apart, so that it can't work "
                f"with {type(scheduler).__name__}; use FIFOScheduler"
            )

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        """The next configuration to try (see `BaseSearcher.get_config`)."""
        config = super().get_config(trial_id=trial_id, **kwargs)
        self._num_suggestions += config is not None
        return config

    def register_pending(
        self, trial_id: str, config: Config | None = None, milestone: int | None = None
    ) -> None:
        """A trial is being evaluated (see `BaseSearcher.register_pending`)."""
        super().register_pending(trial_id, config, milestone)
        own = None if config is None else self.in_space(config)
        if own is not None:
            self._pending[trial_id] = own

    def _update(self, trial_id: str, config: Config, result: dict[str, Any]) -> None:
        super()._update(trial_id, config, result)
        self._pending.pop(trial_id, None)

    def evaluation_failed(self, trial_id: str) -> None:
        """A trial failed (see `BaseSearcher.evaluation_failed`)."""
        super().evaluation_failed(trial_id)
        self._pending.pop(trial_id, None)

    def cleanup_pending(self, trial_id: str) -> None:
        """A trial is not being evaluated any more."""
        super().cleanup_pending(trial_id)
        self._pending.pop(trial_id, None)

    def _space_edited(self) -> None:
        moved = {trial_id: self.in_space(config) for trial_id, config in self._pending.items()}
        self._pending = {trial_id: own for trial_id, own in moved.items() if own is not None}
        self._ranges = self._make_ranges()

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """See `BaseSearcher.clone_from_state`."""
        other = super().clone_from_state(state)
        other._ranges = other._make_ranges()
        return other

    # What it knows

    def num_suggestions(self) -> int:
        """Number of configurations suggested so far."""
        return self._num_suggestions

    def objectives(self) -> np.ndarray:
        """Observed values of the metric in the order of their trials, shape (n,)."""
        return self._sign * self._own_losses()

    def metric_names(self) -> list[str]:
        """The metric, as a list."""
        return [self._metric_name]

    def metric_mode(self) -> str:
        """`min` or `max`."""
        return str(self.mode)

    @property
    def _sign(self) -> float:
        return 1.0 if self.mode == "min" else -1.0

    def _own(self) -> list[tuple[str, Config, float]]:
        data = self.observations.levels.get(0)
        return [] if data is None else list(data.items())

    def _own_losses(self) -> np.ndarray:
        return np.array([value for _, _, value in self._own()], dtype=np.float64)

    # Encoding, which searchers with more inputs extend

    def _make_ranges(self) -> HyperparameterRanges:
        return make_hyperparameter_ranges(self.config_space)

    def _encoded(self, configs: Sequence[Config]) -> np.ndarray:
        """Configurations as vectors, shape (n, d)."""
        # Those of trials that the user added may be out of range by a rounding error.
        return np.clip(self._ranges.to_ndarray_matrix(configs), 0.0, 1.0)

    def _decoded(self, vectors: np.ndarray) -> list[Config]:
        return self._ranges.from_ndarray_matrix(vectors)

    def _numeric(self) -> list[int]:
        """Coordinates of numbers."""
        return [
            begin
            for name, (begin, _) in self._ranges.encoded_ranges.items()
            if not isinstance(self._ranges.config_space[name], Categorical)
        ]

    def _training_data(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Encoded configurations (n, d) and losses (n,); None if there is too little."""
        losses = self._own_losses()
        if len(losses) < max(1, self.num_init_random) or not np.isfinite(losses).any():
            return None
        losses = tamed(losses)
        rows = self._thinned(losses, self.max_num_observations)
        own = self._own()
        return self._encoded([own[row][1] for row in rows]), losses[rows]

    def _thinned(self, losses: np.ndarray, at_most: int | None) -> np.ndarray:
        """Rows of observations to learn from: all, or the best and others at random."""
        if at_most is None or len(losses) <= at_most:
            return np.arange(len(losses))
        best = int(np.argmin(losses))
        rows = self.random_state.permutation(len(losses))
        return np.sort(np.append(rows[rows != best][: at_most - 1], best))

    def _best(self, model: BotorchModel, x: np.ndarray, losses: np.ndarray) -> float:
        """The loss to improve on."""
        del model, x
        return float(losses.min())

    # Choosing

    def _get_config(self, **kwargs: Any) -> Config | None:
        del kwargs
        data = self._training_data()
        if data is None:
            return self._random()
        seed = int(self.random_state.randint(2**31 - 1))
        try:
            with reproducible(seed):
                config = self._suggest_from(*data)
        except failures() as error:
            note = f"{type(error).__name__}: {error}"
            logger.warning(
                "BoTorch failed on %d observations, and a random configuration is suggested: %s",
                len(data[1]),
                note,
            )
            config = self._random()
            self._reason = {"kind": "random", "note": note}
            return config
        return config or self._random()

    def _suggest_from(self, x: np.ndarray, losses: np.ndarray) -> Config | None:
        numeric = self._numeric()
        model = BotorchModel(x, -losses, numeric if self.input_warping else [])
        pending = [] if self.no_fantasizing else list(self._pending.values())
        waiting = self._encoded(pending) if pending else np.empty((0, x.shape[1]))
        name = model.set_acquisition(-self._best(model, x, losses), waiting)
        configs = self._candidates()
        if self._restricted is None:
            configs += self._neighbours(x, losses, numeric)
        if not configs:
            return None
        vectors = self._encoded(configs)
        scores = _checked_scores(model, vectors)
        if self._restricted is None:
            starts = np.argsort(-scores, kind="stable")[:_NUM_STARTS]
            ends = self._allowed(self._decoded(model.improve(vectors[starts], numeric)))
            if ends:
                # What counts is the configuration, not the vector that it was rounded from.
                more = self._encoded(ends)
                configs, vectors = configs + ends, np.concatenate([vectors, more])
                scores = np.append(scores, _checked_scores(model, more))
        chosen = int(np.argmax(scores))
        mean, std = model.predict(vectors[[chosen]])
        self._reason = {
            "kind": "model",
            "model": "BoTorch",
            "acquisition": name,
            "score": _or_none(scores[chosen]),
            "mean": _or_none(-self._sign * mean[0]),
            "std": _or_none(std[0]),
            "num_observations": len(losses),
            "num_pending": len(pending),
        }
        return configs[chosen]

    def _candidates(self) -> list[Config]:
        """Random configurations that may be suggested."""
        if self._restricted is not None:
            rows = self.random_state.permutation(len(self._restricted))[:_NUM_CANDIDATES]
            return [dict(self._restricted[int(row)][0]) for row in rows]
        return self._allowed(self._draw(_NUM_CANDIDATES))

    def _neighbours(self, x: np.ndarray, losses: np.ndarray, numeric: list[int]) -> list[Config]:
        """Configurations near the best observations, with the same values that are no numbers."""
        moved = []
        for row in np.argsort(losses, kind="stable")[:_NUM_CENTRES]:
            for distance in _DISTANCES:
                around = np.repeat(x[[row]], _NUM_NEIGHBOURS // len(_DISTANCES), axis=0)
                steps = self.random_state.standard_normal((len(around), len(numeric)))
                around[:, numeric] += distance * steps
                moved.append(np.clip(around, 0.0, 1.0))
        return self._allowed(self._decoded(np.concatenate(moved)))

    def _allowed(self, configs: Sequence[Config]) -> list[Config]:
        return [config for config in configs if not self.should_not_suggest(config)]

    def _draw(self, count: int) -> list[Config]:
        return self._ranges.random_configs(self.random_state, count)


class BotorchSearcher(BoTorchSearcher):
    """Old name of `BoTorchSearcher`.

    Args:
        config_space: See `BoTorchSearcher`.
        metric: See `BoTorchSearcher`.
        points_to_evaluate: See `BoTorchSearcher`.
        kwargs: Other arguments of `BoTorchSearcher`.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        warnings.warn(
            "BotorchSearcher is now called BoTorchSearcher", DeprecationWarning, stacklevel=2
        )
        super().__init__(config_space, metric, points_to_evaluate, **kwargs)


def _checked_scores(model: BotorchModel, vectors: np.ndarray) -> np.ndarray:
    """Acquisition values, shape (m,), of which those that are not numbers count as the worst."""
    scores = model.score(vectors)
    if np.isnan(scores).all():
        raise ArithmeticError("the acquisition function is not a number at any candidate")
    return np.where(np.isnan(scores), -np.inf, scores)


def _or_none(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
