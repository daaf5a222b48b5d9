"""Learning curves given data: predictions, fantasies of pending values, sampled curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.learning_curves.likelihood import reduce_curves
from synetune_lab.gp.learning_curves.sampling import finish_curve, sample_gaussian, sample_latent
from synetune_lab.gp.linalg import cholesky, solve_lower
from synetune_lab.gp.posterior import Posterior
from synetune_lab.gp.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.learning_curves.data import CurveData
    from synetune_lab.gp.process import Process

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    PredictionPullback = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["CurvePrior", "CurveSample", "LearningCurvePosterior"]


@dataclass(frozen=True)
class CurvePrior:
    """A model of learning curves with values of its parameters.

    Attributes:
        process: Prior of h.
        theta: Values of its parameters.
        mean: E[g] at all R levels, shape (R,).
        latent: Covariance of g, shape (R, R).
        factor: Cholesky factor of the covariance of y - h at all levels, shape (R, R).
        r_min: Smallest level.
        r_max: Largest level.
    """

    process: Process
    theta: FloatArray
    mean: FloatArray
    latent: FloatArray
    factor: FloatArray
    r_min: int
    r_max: int


@dataclass(frozen=True)
class CurveSample:
    """Samples of the part of a curve that has no values yet.

    Attributes:
        levels: Its m levels, up to r_max.
        values: With noise, as they would be observed, shape (m, num_samples).
        latent: Without noise, at the last level that has a value (if there is one) and at `levels`,
            shape (m + 1 or m, num_samples).
    """

    levels: IntArray
    values: FloatArray
    latent: FloatArray


class LearningCurvePosterior:
    """Posterior of f(x, r) = h(x) + g(r | x). It does not change; `fantasize` makes another one.

    Points of predictions have the level as their last coordinate, encoded as (r - 0.5) / r_max.
    They are taken as configurations without values of their own: h is conditioned on all data, g is
    not. At r_max this is exact for all configurations if g(r_max) = 0. For those of the data see
    `predict_data`.

    Args:
        prior: The model.
        data: Configurations and values, at least one value.
        values: Values by level, configuration and column, shape (depth, n, k), in place of those of
            `data`; None for those of `data`.
        counts: Numbers of values that go with `values`.

    Raises:
        SchedulerError: If there is no value, or a curve has more values than there are levels.
    """

    def __init__(
        self,
        prior: CurvePrior,
        data: CurveData,
        values: FloatArray | None = None,
        counts: IntArray | None = None,
    ) -> None:
        self.prior = prior
        self.data = data
        self.values = data.padded()[:, :, None] if values is None else values
        self.counts = data.counts if counts is None else counts
        depth = len(self.values)
        if not 0 < depth <= len(prior.mean):
            raise SchedulerError(
                f"the longest curve has {depth} values; it must have at least one and, for levels "
                f"{prior.r_min} to {prior.r_max}, at most {len(prior.mean)}"
            )
        factor = prior.factor[:depth, :depth]
        self._curves = reduce_curves(self.values, self.counts, prior.mean[:depth], factor)
        observed = self.counts > 0
        precisions = self._curves.precisions[observed]
        x = data.x[observed]
        _, covariance = prior.process.joint(prior.theta, x)
        factor, _ = cholesky(covariance + np.diag(1.0 / precisions))
        targets = self._curves.products[observed] / precisions[:, None]
        # Of h: a process with one observation a configuration, whose noise differs.
        self._final = Posterior(prior.process, prior.theta, 0.0, x, targets, factor)

    @property
    def num_columns(self) -> int:
        """Number of columns k: 1, or that of the fantasies."""
        return int(self.values.shape[2])

    # Predictions

    def predict(self, x: FloatArray) -> Prediction:
        """Mean (m, k) and standard deviation (m, 1) of f at points (m, d + 1)."""
        mean, variance = self._residual_at(x)
        final = self._final.predict(x[:, :-1])
        return Prediction(final.mean + mean, np.sqrt(final.std**2 + variance))

    def predict_at(self, x: FloatArray, resource: int | None = None) -> Prediction:
        """The same for configurations (m, d) at a level; None stands for r_max."""
        return self.predict(self._at(x, resource))

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        """A prediction, and the pullback from derivatives by mean and std to those by x (m, d + 1).

        Derivatives by the level are zero: it is a whole number.
        """
        mean, variance = self._residual_at(x)
        final, to_configurations = self._final.predict_with_pullback(x[:, :-1])
        std = np.sqrt(final.std**2 + variance)

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            gradient = np.zeros(x.shape)
            gradient[:, :-1] = to_configurations(by_mean, by_std * final.std / std)
            return gradient

        return Prediction(final.mean + mean, std), to_inputs

    def predict_data(self, resource: int | None = None) -> Prediction:
        """Mean (n, k) and standard deviation (n, 1) of f for the configurations of the data.

        Here g is conditioned on the values of its configuration, too.

        Args:
            resource: The level; None for r_max.
        """
        prior = self.prior
        index = self._index(prior.r_max if resource is None else resource)
        final = self._final.predict(self.data.x)
        depth = len(self.values)
        # g = E[g] + c·(w - v h) with c = L⁻¹ Cov(y, g), up to the values that there are.
        c = solve_lower(prior.factor[:depth, :depth], prior.latent[index, :depth])
        explained = (c**2) @ self._curves.mask
        share = 1.0 - (c * self._curves.v) @ self._curves.mask
        mean = prior.mean[index] + np.einsum("j,jik->ik", c, self._curves.w)
        variance = prior.latent[index, index] - explained
        variance += share**2 * final.std[:, 0] ** 2
        return Prediction(
            mean + share[:, None] * final.mean,
            np.sqrt(np.maximum(variance, VARIANCE_FLOOR))[:, None],
        )

    # Samples

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples of f at points (m, d + 1): shape (m, num_samples).

        Points with the same configuration lie on one curve.

        Raises:
            ValueError: If there are several columns of fantasies.
        """
        self._require_one_column()
        levels = self._levels(x)
        mean, covariance = self._final.joint(x[:, :-1])
        same = (x[:, None, :-1] == x[None, :, :-1]).all(axis=2)
        prior = self.prior
        covariance = covariance + np.where(same, prior.latent[np.ix_(levels, levels)], 0.0)
        return sample_gaussian(
            mean + prior.mean[levels][:, None], covariance, num_samples, random_state
        )

    def sample_marginals(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Independent samples at points (m, d + 1): shape (m, k, num_samples)."""
        prediction = self.predict(x)
        draws = random_state.standard_normal((*prediction.mean.shape, num_samples))
        return prediction.mean[:, :, None] + prediction.std[:, :, None] * draws

    def fantasize(
        self, pending: Sequence[int], num_samples: int, random_state: np.random.RandomState
    ) -> LearningCurvePosterior:
        """Sample pending values, and condition on them.

        The values are samples of their joint distribution given all data: first h of all pending
        configurations, then the next values of each given h and its own values.

        Args:
            pending: For each configuration of the data the number of pending values, which follow
                those that it has; 0 for none.
            num_samples: Number of samples k.
            random_state: Source of all randomness.

        Returns:
            A posterior with k columns.

        Raises:
            SchedulerError: If the numbers do not fit the data, or go beyond r_max.
            ValueError: If there are several columns already.
        """
        self._require_one_column()
        extra = self._pending_counts(pending)
        counts = self.counts + extra
        depth = int(counts.max())
        values = np.zeros((depth, len(self.data), num_samples))
        values[: len(self.values)] = self.values
        who = np.flatnonzero(extra)
        if len(who):
            final = sample_gaussian(*self._final.joint(self.data.x[who]), num_samples, random_state)
            for h, index in zip(final, who, strict=True):
                known = self._curves.w[: self.counts[index], index, :]
                values[self.counts[index] : counts[index], index] = finish_curve(
                    self.prior.factor[: counts[index], : counts[index]],
                    self.prior.mean,
                    known,
                    h,
                    random_state,
                )
        return LearningCurvePosterior(self.prior, self.data, values, counts)

    def sample_curves(
        self, data: CurveData, num_samples: int, random_state: np.random.RandomState
    ) -> list[CurveSample]:
        """Sample the rest of the curves of configurations that are not in this posterior's data.

        Samples of different configurations are independent; those of one are joint over its levels.

        Args:
            data: Configurations, with any part of their curves but the whole.
            num_samples: Number of samples of each.
            random_state: Source of all randomness.

        Raises:
            SchedulerError: If a curve is complete.
            ValueError: If there are several columns of fantasies.
        """
        self._require_one_column()
        prior = self.prior
        if data.depth >= len(prior.mean):
            raise SchedulerError(
                f"a curve has {data.depth} values; sample_curves needs curves that do not reach "
                f"r_max={prior.r_max}"
            )
        before = self._final.predict(data.x)
        samples = []
        for index, curve in enumerate(data.curves):
            count = len(curve)
            known = np.zeros((0, 1))
            mean, variance = float(before.mean[index, 0]), float(before.std[index, 0]) ** 2
            if count:
                own = reduce_curves(
                    curve[:, None, None],
                    data.counts[index : index + 1],
                    prior.mean[:count],
                    prior.factor[:count, :count],
                )
                known = own.w[:, 0, :]
                shrink = 1.0 + float(own.precisions[0]) * variance
                mean = (mean + variance * float(own.products[0, 0])) / shrink
                variance /= shrink
            h = mean + np.sqrt(variance) * random_state.standard_normal(num_samples)
            rest = finish_curve(prior.factor, prior.mean, known, h, random_state)
            whole = np.concatenate([np.repeat(curve[:, None], num_samples, axis=1), rest])
            latent = h + sample_latent(
                prior.factor, prior.mean, prior.latent, whole - h, random_state
            )
            levels = np.arange(prior.r_min + count, prior.r_max + 1)
            samples.append(CurveSample(levels, rest, latent[max(count - 1, 0) :]))
        return samples

    # Levels

    def _index(self, resource: int) -> int:
        if not self.prior.r_min <= resource <= self.prior.r_max:
            raise SchedulerError(
                f"resource={resource} must be in [{self.prior.r_min}, {self.prior.r_max}]"
            )
        return resource - self.prior.r_min

    def _at(self, x: FloatArray, resource: int | None) -> FloatArray:
        level = self.prior.r_max if resource is None else resource
        self._index(level)
        encoded = (level - 0.5) / self.prior.r_max
        return np.concatenate([x, np.full((len(x), 1), encoded)], axis=1)

    def _levels(self, x: FloatArray) -> IntArray:
        """Positions of the levels of points, shape (m,); those beyond the range become its ends."""
        prior = self.prior
        levels = np.rint(x[:, -1] * prior.r_max + 0.5).astype(np.int64)
        return np.clip(levels, prior.r_min, prior.r_max) - prior.r_min

    def _residual_at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of g at points, each of shape (m, 1)."""
        levels, prior = self._levels(x), self.prior
        return prior.mean[levels][:, None], prior.latent.diagonal()[levels][:, None]

    def _pending_counts(self, pending: Sequence[int]) -> IntArray:
        extra = np.asarray(pending, dtype=np.int64)
        if extra.shape != self.counts.shape or (extra < 0).any():
            raise SchedulerError(
                f"pending={list(pending)} must have a number, 0 or more, for each of the "
                f"{len(self.counts)} configurations of the data"
            )
        most = len(self.prior.mean)
        for index in np.flatnonzero(self.counts + extra > most):
            raise SchedulerError(
                f"configuration {index} has {self.counts[index]} values and "
                f"{extra[index]} pending ones; there are {most} levels, up to r_max="
                f"{self.prior.r_max}"
            )
        return extra

    def _require_one_column(self) -> None:
        if self.num_columns > 1:
            raise ValueError("samples need one column of values; these are fantasies already")
