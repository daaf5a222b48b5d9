"""The posterior of independent Gaussian processes at resource levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.posterior import Posterior
from synetune_lab.gp.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.posterior import PredictionPullback
    from synetune_lab.gp.process import Process

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    Rows = slice | IntArray

__all__ = [
    "IndependentPosterior",
    "decode_resources",
    "encode_resource",
    "nearest_level",
    "rows_by_level",
]


def encode_resource(resource: int, r_max: int) -> float:
    """The coordinate u of a resource."""
    return (resource - 0.5) / r_max


def decode_resources(x: FloatArray, r_max: int) -> IntArray:
    """Resources of points (n, d) whose last coordinate is u: shape (n,)."""
    return np.rint(x[:, -1] * r_max + 0.5).astype(np.int64)


class IndependentPosterior:
    """Posteriors of independent processes at resource levels, as one of points (x, u).

    It does not change; `extend` makes another one. Levels without data have their prior; resources
    between levels, the prior of the nearest lower level.

    Args:
        process: Prior of configurations at a level.
        values: For each level, parameters of the process and the noise variance.
        r_max: Largest resource.
        parts: Posteriors of configurations at levels with data.
    """

    def __init__(
        self,
        process: Process,
        values: Mapping[int, tuple[FloatArray, float]],
        r_max: int,
        parts: Mapping[int, Posterior] | None = None,
    ) -> None:
        self.process = process
        self.values = dict(values)
        self.r_max = r_max
        self.parts = dict(parts or {})

    @property
    def num_columns(self) -> int:
        """Number of columns of targets k."""
        return max((part.num_columns for part in self.parts.values()), default=1)

    def predict(self, x: FloatArray) -> Prediction:
        """Mean (m, k) and standard deviation (m, 1) of the function at points (m, d)."""
        prediction = Prediction(np.empty((len(x), self.num_columns)), np.empty((len(x), 1)))
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = self.parts.get(level), x[rows, :-1]
            own = self._prior(level, inner)[0] if part is None else part.predict(inner)
            prediction.mean[rows] = _widen(own.mean, self.num_columns)
            prediction.std[rows] = own.std
        return prediction

    def predict_mean(self, x: FloatArray) -> FloatArray:
        """Only the means (m, k), which cost less."""
        means = np.empty((len(x), self.num_columns))
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = self.parts.get(level), x[rows, :-1]
            own = self._prior(level, inner)[0].mean if part is None else part.predict_mean(inner)
            means[rows] = _widen(own, self.num_columns)
        return means

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        """A prediction, and the pullback from derivatives by mean and std to those by x (m, d).

        Derivatives by the resource are 0.
        """
        k = self.num_columns
        prediction = Prediction(np.empty((len(x), k)), np.empty((len(x), 1)))
        pullbacks = []
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = self.parts.get(level), x[rows, :-1]
            own, pullback = (
                self._prior(level, inner) if part is None else part.predict_with_pullback(inner)
            )
            prediction.mean[rows] = _widen(own.mean, k)
            prediction.std[rows] = own.std
            pullbacks.append((rows, own.mean.shape, pullback))

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            gradient = np.zeros(x.shape)
            for rows, shape, pullback in pullbacks:
                by_own = by_mean[rows].reshape(*shape, -1).sum(axis=2)
                gradient[rows, :-1] = pullback(by_own, by_std[rows])
            return gradient

        return prediction, to_inputs

    def _prior(self, level: int, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        theta, _ = self._values_at(level)
        mean, variance, nothing, pullback = self.process.cross(theta, x, x[:0])
        std = np.sqrt(np.maximum(variance, VARIANCE_FLOOR))

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            by_variance = np.where(variance > VARIANCE_FLOOR, by_std[:, 0], 0.0) / (2.0 * std)
            return pullback(by_mean.sum(axis=1), by_variance, np.zeros_like(nothing))

        return Prediction(mean[:, None], std[:, None]), to_inputs

    def _values_at(self, level: int) -> tuple[FloatArray, float]:
        return self.values[nearest_level(level, self.values)]

    def joint(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean (m, k) and covariance (m, m) of the function at points (m, d)."""
        mean, covariance = np.empty((len(x), self.num_columns)), np.zeros((len(x), len(x)))
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = self.parts.get(level), x[rows, :-1]
            if part is None:
                prior_mean, block = self.process.joint(self._values_at(level)[0], inner)
                mean[rows] = prior_mean[:, None]
            else:
                own, block = part.joint(inner)
                mean[rows] = _widen(own, self.num_columns)
            where = np.arange(len(x))[rows]
            covariance[np.ix_(where, where)] = block
        return mean, covariance

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples of the function at points (m, d): shape (m, num_samples).

        At levels without data all samples are the prior mean: as fantasies, draws of a prior that
        no data have shaped would only add noise.

        Raises:
            ValueError: If there are several columns of targets.
        """
        if self.num_columns > 1:
            raise ValueError("joint samples need one column of targets")
        samples = np.empty((len(x), num_samples))
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = self.parts.get(level), x[rows, :-1]
            samples[rows] = (
                self._prior(level, inner)[0].mean
                if part is None
                else part.sample_joint(inner, num_samples, random_state)
            )
        return samples

    def sample_marginals(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Independent samples at points (m, d): shape (m, k, num_samples)."""
        prediction = self.predict(x)
        draws = random_state.standard_normal((*prediction.mean.shape, num_samples))
        return prediction.mean[:, :, None] + prediction.std[:, :, None] * draws

    def extend(self, x: FloatArray, targets: FloatArray) -> IndependentPosterior:
        """The posterior with more data; factors of levels are extended, not made anew.

        Args:
            x: Points, shape (q, d).
            targets: Their targets, shape (q,) or (q, k); columns of the old ones, or these, are
                repeated until both have the same number.

        Raises:
            SchedulerError: If neither number of columns is a multiple of the other.
        """
        targets = targets.reshape(len(x), -1) if len(x) else np.empty((0, 1))
        old, new = self.num_columns, targets.shape[1]
        if max(old, new) % min(old, new):
            raise SchedulerError(
                f"targets have {new} columns; with {old} there, it must be a multiple of that"
            )
        targets = _widen(targets, max(old, new))
        parts = dict(self.parts)
        for level, rows in rows_by_level(x, self.r_max):
            part, inner = parts.get(level), x[rows, :-1]
            if part is None:
                theta, noise_variance = self._values_at(level)
                own = Posterior(self.process, theta, noise_variance, inner, targets[rows])
            else:
                own = part.extend(inner, targets[rows])
            parts[level] = own
        return IndependentPosterior(self.process, self.values, self.r_max, parts)


def nearest_level(level: int, levels: Iterable[int]) -> int:
    """The largest of levels up to this one; if there is none, the least above."""
    ordered = sorted(levels)
    below = [entry for entry in ordered if entry <= level]
    return below[-1] if below else ordered[0]


def rows_by_level(x: FloatArray, r_max: int) -> list[tuple[int, Rows]]:
    """Levels of points in increasing order, and the rows of each."""
    if not len(x):
        return []
    resources = decode_resources(x, r_max)
    if (resources == resources[0]).all():
        return [(int(resources[0]), slice(None))]
    return [(int(level), np.flatnonzero(resources == level)) for level in np.unique(resources)]


def _widen(columns: FloatArray, count: int) -> FloatArray:
    """Columns repeated, each in place, until there are so many."""
    present = columns.shape[1]
    return columns if present == count else np.repeat(columns, count // present, axis=1)
