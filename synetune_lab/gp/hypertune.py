"""Hyper-Tune: models of all resource levels as one, weighted by how well they rank the top level.

Li, Shen, Jiang, Zhang, Li, Liu, Zhang, Cui: Hyper-Tune: Towards Efficient Hyper-parameter Tuning at
Scale, https://arxiv.org/abs/2201.06834. As in Syne Tune, the top level need not be the largest
resource: it is the highest one with enough data so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.independent_posterior import (
    IndependentPosterior,
    decode_resources,
    encode_resource,
)
from synetune_lab.gp.linalg import cholesky, inverse_from_cholesky, solve_lower
from synetune_lab.gp.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.posterior import Posterior, PredictionPullback

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = [
    "EnsemblePosterior",
    "bracket_distribution",
    "ensemble_distribution",
    "fit_ensemble",
    "ordering_errors",
    "ranking_losses",
    "supported_levels",
]

# A level with fewer points than this says too little of its model.
_MIN_NUM_DATA = 6
_MAX_NUM_FOLDS = 5
# Pairs times samples that are compared at once: they stay in the cache.
_BLOCK = 1 << 18


def supported_levels(rung_levels: Sequence[int], counts: Mapping[int, int]) -> tuple[int, ...]:
    """The longest run of levels from the lowest, each with at least 6 points.

    Args:
        rung_levels: Levels, in any order.
        counts: Number of points with targets of each level; 0 where there is none.

    Returns:
        The levels in increasing order. The last one is r*; empty if the lowest has too few.
    """
    supported = []
    for level in sorted(set(rung_levels)):
        if counts.get(level, 0) < _MIN_NUM_DATA:
            break
        supported.append(level)
    return tuple(supported)


def ordering_errors(samples: FloatArray, targets: FloatArray) -> FloatArray:
    """How many pairs of points a sample orders differently from the targets.

    Pairs with the same target have no order to get wrong. A pair with different targets that a
    sample puts at the same value counts one half, as a toss would: a constant is no good ranking.

    Args:
        samples: S samples at n points, shape (n, S).
        targets: Shape (n,).

    Returns:
        Numbers of pairs, shape (S,).
    """
    order = np.argsort(targets, kind="stable")
    ordered, values = targets[order], samples[order]
    lower, upper = np.triu_indices(len(targets), 1)
    differ = ordered[lower] < ordered[upper]
    lower, upper = lower[differ], upper[differ]
    errors = np.zeros(samples.shape[1])
    step = max(1, _BLOCK // max(1, samples.shape[1]))
    for start in range(0, len(lower), step):
        low, high = values[lower[start : start + step]], values[upper[start : start + step]]
        errors += np.count_nonzero(low > high, axis=0) + 0.5 * np.count_nonzero(low == high, axis=0)
    return errors


def ranking_losses(
    posterior: IndependentPosterior | Posterior,
    levels: Sequence[int],
    r_max: int,
    num_samples: int,
    random_state: np.random.RandomState,
) -> FloatArray:
    """Losses of samples of each level's function as rankings of the top level's targets.

    Samples are joint ones at the points with targets at the top level. Those of the top level
    itself come from cross-validation, with the same parameters: what was drawn for the points that
    are left out in turn makes up one ranking of all of them, so that losses of all levels count the
    same pairs. A model of all levels together loses only the top level's targets of these points.

    Args:
        posterior: Model of points (x, u), with one column of targets.
        levels: At least two levels in increasing order, each with data.
        r_max: Largest resource, which u was encoded with.
        num_samples: Number of samples S.
        random_state: Source of samples, and of the folds.

    Returns:
        Numbers of pairs in wrong order (see `ordering_errors`), shape (number of levels, S).

    Raises:
        SchedulerError: If there are fewer than two levels, or fewer than two points at the top.
        ValueError: If the posterior has several columns of targets.
    """
    if len(levels) < 2:
        raise SchedulerError(f"levels={list(levels)} must be at least two")
    top = levels[-1]
    if isinstance(posterior, IndependentPosterior):
        data = posterior.parts.get(top)
        rows = np.arange(len(data.x) if data is not None else 0)
    else:
        data = posterior
        rows = np.flatnonzero(decode_resources(data.x, r_max) == top)
    if data is None or len(rows) < 2:
        raise SchedulerError(f"level {top} has {len(rows)} points; it must have at least 2")
    if posterior.num_columns > 1:
        raise ValueError("ranking losses need one column of targets")
    targets = data.targets[rows, 0]
    points = data.x[rows]
    if isinstance(posterior, IndependentPosterior):
        points = np.column_stack([points, np.full(len(rows), encode_resource(top, r_max))])
    losses = [
        ordering_errors(
            posterior.sample_joint(_at(points, level, r_max), num_samples, random_state), targets
        )
        for level in levels[:-1]
    ]
    samples = _cross_validated_samples(data, rows, num_samples, random_state)
    return np.array([*losses, ordering_errors(samples, targets)])


def _cross_validated_samples(
    data: Posterior, rows: IntArray, num_samples: int, random_state: np.random.RandomState
) -> FloatArray:
    """Joint samples at rows of the data, each from data without its fold, shape (n, S).

    Nothing is factorised anew. With P the inverse covariance of all targets y, those of a fold h
    given the others have covariance P_hh⁻¹ and mean y_h - P_hh⁻¹ (P (y - m))_h. Sundararajan,
    Keerthi: Predictive approaches for choosing hyperparameters in Gaussian processes, Neural
    Computation 13 (2001).
    """
    num_folds = max(2, min(_MAX_NUM_FOLDS, len(rows) // 2))
    columns = np.zeros((len(data.x), len(rows)))
    columns[rows, np.arange(len(rows))] = 1.0
    projected = solve_lower(data.factor, columns)
    inverse = projected.T @ projected
    samples = np.empty((len(rows), num_samples))
    for fold in np.array_split(random_state.permutation(len(rows)), num_folds):
        held_out = rows[fold]
        covariance = inverse_from_cholesky(cholesky(inverse[np.ix_(fold, fold)])[0])
        mean = data.targets[held_out] - covariance @ data.weights[held_out]
        covariance[np.diag_indices_from(covariance)] -= data.noise_variance
        factor, _ = cholesky(covariance, VARIANCE_FLOOR)
        samples[fold] = mean + factor @ random_state.standard_normal((len(fold), num_samples))
    return samples


def _at(points: FloatArray, level: int, r_max: int) -> FloatArray:
    moved = np.array(points)
    moved[:, -1] = encode_resource(level, r_max)
    return moved


def ensemble_distribution(levels: Sequence[int], losses: FloatArray) -> dict[int, float]:
    """Shares θ_r of samples in which a level has the least loss of all.

    A sample in which several levels have it counts for each of them; shares add up to 1.

    Args:
        levels: The levels.
        losses: Losses of S samples, shape (number of levels, S).

    Returns:
        θ by level, for all levels: 0 for those that are never best.
    """
    wins = (losses == losses.min(axis=0)).sum(axis=1)
    total = int(wins.sum())
    return {level: float(count) / total for level, count in zip(levels, wins, strict=True)}


def fit_ensemble(
    posterior: IndependentPosterior | Posterior,
    rung_levels: Sequence[int],
    r_max: int,
    num_samples: int,
    random_state: np.random.RandomState,
) -> dict[int, float]:
    """θ_r of all supported levels, from a model and its data.

    Args:
        posterior: Model of points (x, u), with one column of targets and without fantasies.
        rung_levels: All levels at which there may be data.
        r_max: Largest resource.
        num_samples: Number of samples S that shares are counted from.
        random_state: Source of all randomness.

    Returns:
        θ by supported level. Unless there are two of these, it is {lowest level: 1}.
    """
    if isinstance(posterior, IndependentPosterior):
        counts = {level: len(part.x) for level, part in posterior.parts.items()}
    else:
        seen, numbers = np.unique(decode_resources(posterior.x, r_max), return_counts=True)
        counts = dict(zip(seen.tolist(), numbers.tolist(), strict=True))
    levels = supported_levels(rung_levels, counts)
    if len(levels) < 2:
        return {min(rung_levels): 1.0}
    losses = ranking_losses(posterior, levels, r_max, num_samples, random_state)
    return ensemble_distribution(levels, losses)


def bracket_distribution(
    theta: Mapping[int, float], bracket_levels: Sequence[int], default: Sequence[float]
) -> list[float]:
    """Probabilities of brackets: cheap levels that rank well are preferred as first rungs.

    Brackets whose lowest level is at most r* share the probability that they have by default, in
    proportion to θ_r / r. The others keep theirs.

    Args:
        theta: θ by supported level (see `fit_ensemble`); the largest of these is r*.
        bracket_levels: Lowest level r of each bracket.
        default: Default probabilities, one a bracket.

    Returns:
        Probabilities, one a bracket. They are the default ones if no level is supported, or if θ
        is 0 for all levels in question.

    Raises:
        SchedulerError: If there are not as many probabilities as brackets.
    """
    if len(default) != len(bracket_levels):
        raise SchedulerError(
            f"default has {len(default)} probabilities; it must have one for each of "
            f"{len(bracket_levels)} brackets"
        )
    top = max(theta, default=0)
    weights = [theta.get(level, 0.0) / level if level <= top else 0.0 for level in bracket_levels]
    total = sum(weights)
    if total <= 0.0:
        return [float(share) for share in default]
    mass = sum(share for share, level in zip(default, bracket_levels, strict=True) if level <= top)
    return [
        mass * weight / total if level <= top else float(share)
        for share, weight, level in zip(default, weights, bracket_levels, strict=True)
    ]


class _Surrogate(Protocol):
    """What an ensemble needs of a posterior of points (x, u)."""

    @property
    def num_columns(self) -> int: ...

    def predict(self, x: FloatArray) -> Prediction: ...

    def predict_mean(self, x: FloatArray) -> FloatArray: ...

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]: ...

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray: ...

    def extend(self, x: FloatArray, targets: FloatArray) -> _Surrogate: ...


class EnsemblePosterior:
    """A posterior of configurations alone: Σ_r θ_r f(x, r), as if levels were independent.

    The mean is Σ_r θ_r μ(x, r) and the variance Σ_r θ_r² σ²(x, r). Points have a resource column,
    so that the ensemble can stand where a posterior of points (x, u) does, but predictions do not
    depend on it. Fantasies do: `sample_joint` and `extend` are those of the posterior inside, at
    points (x, u).

    Args:
        posterior: Posterior of points (x, u).
        theta: Weights by level; levels of weight 0 are not evaluated.
        r_max: Largest resource.

    Raises:
        SchedulerError: If no weight is above 0.
    """

    def __init__(self, posterior: _Surrogate, theta: Mapping[int, float], r_max: int) -> None:
        self.posterior = posterior
        self.theta = {level: float(share) for level, share in theta.items() if share > 0.0}
        self.r_max = r_max
        if not self.theta:
            raise SchedulerError(f"theta={dict(theta)} must have a weight above 0")
        self._weights = np.array(list(self.theta.values()))
        self._resources = np.array([encode_resource(level, r_max) for level in self.theta])

    @property
    def num_columns(self) -> int:
        """Number of columns of a prediction k."""
        return self.posterior.num_columns

    def _at_all_levels(self, x: FloatArray) -> FloatArray:
        """Points (m, d) at one level after the other, shape (levels * m, d)."""
        points = np.tile(x, (len(self._weights), 1))
        points[:, -1] = np.repeat(self._resources, len(x))
        return points

    def predict(self, x: FloatArray) -> Prediction:
        """Mean (m, k) and standard deviation (m, 1) or (m, k) at points (m, d)."""
        return self._combine(self.posterior.predict(self._at_all_levels(x)), len(x))[0]

    def predict_mean(self, x: FloatArray) -> FloatArray:
        """Only the means (m, k), which cost less."""
        means = self.posterior.predict_mean(self._at_all_levels(x))
        means = means.reshape(len(self._weights), len(x), means.shape[1])
        weighted: FloatArray = np.einsum("r,rmk->mk", self._weights, means)
        return weighted

    def _combine(self, inner: Prediction, m: int) -> tuple[Prediction, FloatArray]:
        """The ensemble's prediction, and its variance."""
        count = len(self._weights)
        means = inner.mean.reshape(count, m, inner.mean.shape[1])
        stds = inner.std.reshape(count, m, inner.std.shape[1])
        mean = np.einsum("r,rmk->mk", self._weights, means)
        variance = np.einsum("r,rmk->mk", self._weights**2, stds**2)
        return Prediction(mean, np.sqrt(np.maximum(variance, VARIANCE_FLOOR))), variance

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        """A prediction, and the pullback from derivatives by mean and std to those by x (m, d).

        Derivatives by the resource are 0.
        """
        inner, pullback = self.posterior.predict_with_pullback(self._at_all_levels(x))
        prediction, variance = self._combine(inner, len(x))
        weights = self._weights[:, None, None]

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            # Where the variance is at its floor, it does not change.
            by_sum = np.where(variance > VARIANCE_FLOOR, by_std, 0.0) / prediction.std
            stds = inner.std.reshape(len(self._weights), *by_std.shape)
            by_inner_mean = (weights * by_mean).reshape(inner.mean.shape)
            by_inner_std = (weights**2 * by_sum * stds).reshape(inner.std.shape)
            by_points = pullback(by_inner_mean, by_inner_std)
            gradient: FloatArray = by_points.reshape(len(self._weights), *x.shape).sum(axis=0)
            gradient[:, -1] = 0.0
            return gradient

        return prediction, to_inputs

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples of the posterior inside at points (x, u): shape (m, num_samples)."""
        return self.posterior.sample_joint(x, num_samples, random_state)

    def sample_marginals(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Independent samples of the ensemble at points (m, d): shape (m, k, num_samples)."""
        prediction = self.predict(x)
        draws = random_state.standard_normal((*prediction.mean.shape, num_samples))
        return prediction.mean[:, :, None] + prediction.std[:, :, None] * draws

    def extend(self, x: FloatArray, targets: FloatArray) -> EnsemblePosterior:
        """The ensemble of the posterior with more data at points (x, u); weights stay."""
        return EnsemblePosterior(self.posterior.extend(x, targets), self.theta, self.r_max)
