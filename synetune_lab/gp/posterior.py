"""A Gaussian process given data: predictions, their gradients, samples, and more data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.linalg import append_rows, cholesky, solve_lower, solve_lower_t
from synetune_lab.gp.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.process import Process

    FloatArray = npt.NDArray[np.float64]
    PredictionPullback = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["Posterior"]

# Candidates of one block: what is in work stays in the cache.
_BLOCK = 512


class Posterior:
    """Posterior of a process with Gaussian noise. It does not change; `extend` makes another one.

    Rasmussen, Williams: Gaussian Processes for Machine Learning, MIT Press 2006, algorithm 2.1.

    Args:
        process: The prior.
        theta: Values of its parameters.
        noise_variance: Variance of the noise of targets.
        x: Points with targets, shape (n, d).
        targets: Shape (n,), or (n, k) for k columns of targets that share all the rest.
        factor: Cholesky factor of the covariance of targets, if it is known.
    """

    def __init__(
        self,
        process: Process,
        theta: FloatArray,
        noise_variance: float,
        x: FloatArray,
        targets: FloatArray,
        factor: FloatArray | None = None,
    ) -> None:
        self.process = process
        self.theta = theta
        self.noise_variance = noise_variance
        self.x = x
        self.targets = targets.reshape(len(x), -1)
        if factor is None:
            mean, covariance = process.joint(theta, x)
            factor, _ = cholesky(covariance, noise_variance)
        else:
            mean = process.cross(theta, x, x[:0])[0]
        self.factor = factor
        # L⁻¹ (y - m), shape (n, k), and K⁻¹ (y - m).
        self.whitened = solve_lower(factor, self.targets - mean[:, None])
        self.weights = solve_lower_t(factor, self.whitened)

    @property
    def num_columns(self) -> int:
        """Number of columns of targets k."""
        return int(self.targets.shape[1])

    def predict(self, x: FloatArray) -> Prediction:
        """Mean (m, k) and standard deviation (m, 1) of the function at points (m, d)."""
        if len(x) <= _BLOCK:
            return self._predict_block(x)
        blocks = [self._predict_block(x[i : i + _BLOCK]) for i in range(0, len(x), _BLOCK)]
        return Prediction(
            np.concatenate([block.mean for block in blocks]),
            np.concatenate([block.std for block in blocks]),
        )

    def _predict_block(self, x: FloatArray) -> Prediction:
        mean, diagonal, cross, _ = self.process.cross(self.theta, x, self.x)
        projected = solve_lower(self.factor, cross.T)
        variance = diagonal - np.einsum("nm,nm->m", projected, projected)
        return Prediction(mean[:, None] + cross @ self.weights, _std(variance))

    def predict_with_pullback(self, x: FloatArray) -> tuple[Prediction, PredictionPullback]:
        """A prediction, and the pullback from derivatives by mean and std to those by x (m, d)."""
        mean, diagonal, cross, pullback = self.process.cross(self.theta, x, self.x)
        projected = solve_lower(self.factor, cross.T)
        variance = diagonal - np.einsum("nm,nm->m", projected, projected)
        prediction = Prediction(mean[:, None] + cross @ self.weights, _std(variance))

        def to_inputs(by_mean: FloatArray, by_std: FloatArray) -> FloatArray:
            # Where the variance is at its floor, it does not change.
            by_variance = np.where(variance > VARIANCE_FLOOR, by_std[:, 0], 0.0)
            by_variance = by_variance / (2.0 * prediction.std[:, 0])
            solved = solve_lower_t(self.factor, projected)
            by_cross = by_mean @ self.weights.T - 2.0 * by_variance[:, None] * solved.T
            return pullback(by_mean.sum(axis=1), by_variance, by_cross)

        return prediction, to_inputs

    def predict_mean(self, x: FloatArray) -> FloatArray:
        """Only the means (m, k), which cost less."""
        mean, _, cross, _ = self.process.cross(self.theta, x, self.x)
        means: FloatArray = mean[:, None] + cross @ self.weights
        return means

    def joint(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean (m, k) and covariance (m, m) of the function at points (m, d)."""
        mean, covariance = self.process.joint(self.theta, x)
        _, _, cross, _ = self.process.cross(self.theta, x, self.x)
        projected = solve_lower(self.factor, cross.T)
        return mean[:, None] + cross @ self.weights, covariance - projected.T @ projected

    def sample_joint(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Samples of the function at points (m, d): shape (m, num_samples).

        Raises:
            ValueError: If there are several columns of targets.
        """
        if self.num_columns > 1:
            raise ValueError("joint samples need one column of targets")
        mean, covariance = self.joint(x)
        factor, _ = cholesky(covariance)
        return mean + factor @ random_state.standard_normal((len(x), num_samples))

    def sample_marginals(
        self, x: FloatArray, num_samples: int, random_state: np.random.RandomState
    ) -> FloatArray:
        """Independent samples at points (m, d): shape (m, k, num_samples)."""
        prediction = self.predict(x)
        draws = random_state.standard_normal((*prediction.mean.shape, num_samples))
        return prediction.mean[:, :, None] + prediction.std[:, :, None] * draws

    def column(self, index: int) -> Posterior:
        """The posterior of one column of targets."""
        return Posterior(
            self.process,
            self.theta,
            self.noise_variance,
            self.x,
            self.targets[:, index],
            self.factor,
        )

    def extend(
        self, x: FloatArray, targets: FloatArray, noise_variance: float | None = None
    ) -> Posterior:
        """The posterior with more data; the factor is extended, not made anew.

        Args:
            x: Points, shape (q, d).
            targets: Their targets, shape (q,) or (q, k); the old ones are repeated to k columns if
                they are one.
            noise_variance: Of the new targets; None for that of the old ones.
        """
        targets = targets.reshape(len(x), -1)
        noise = self.noise_variance if noise_variance is None else noise_variance
        old = self.targets
        if targets.shape[1] != old.shape[1]:
            old = np.repeat(old, targets.shape[1] // old.shape[1], axis=1)
        return Posterior(
            self.process,
            self.theta,
            self.noise_variance,
            np.concatenate([self.x, x]),
            np.concatenate([old, targets]),
            extended_factor(self.process, self.theta, noise, self.factor, self.x, x),
        )


def extended_factor(
    process: Process,
    theta: FloatArray,
    noise_variance: float,
    factor: FloatArray,
    x: FloatArray,
    x_new: FloatArray,
) -> FloatArray:
    """Cholesky factor of the covariance of targets at x and x_new, from that at x alone.

    Args:
        process: The prior.
        theta: Values of its parameters.
        noise_variance: Variance of the noise of targets.
        factor: Factor at x, shape (n, n).
        x: Points, shape (n, d).
        x_new: More points, shape (q, d).
    """
    _, block = process.joint(theta, x_new)
    _, _, cross, _ = process.cross(theta, x_new, x)
    return append_rows(factor, cross.T, block + noise_variance * np.eye(len(x_new)))


def _std(variance: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(variance, VARIANCE_FLOOR))[:, None]
