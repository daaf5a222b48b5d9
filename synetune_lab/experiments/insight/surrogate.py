"""The model behind an insight: a Gaussian process of the metric over configurations.

Glossary: n observations, m points, d coordinates of a configuration, s samples. The process sees a
last coordinate more where observations are of several resources: the logarithm of the resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.experiments.insight.left_out import left_out_predictions
from synetune_lab.gp.kernels.matern import Matern52
from synetune_lab.gp.means import ScalarMean
from synetune_lab.gp.optimize import OptimizationConfig
from synetune_lab.gp.process import KernelProcess
from synetune_lab.gp.regression import GaussianProcessRegression
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import Targets, scaled_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from synetune_lab.experiments.insight.observations import Observations
    from synetune_lab.gp.posterior import Posterior

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Predicted", "Surrogate"]

# Up to so many observations, parameters are fitted so many times for an honest account of quality.
_FOLDS = ((100, 10), (300, 5))
# Scaling and back changes values by this share at most.
_ROUNDING = 1e-9
_FIT = OptimizationConfig(lbfgs_tol=1e-6, lbfgs_maxiter=100, n_starts=3, lbfgs_gtol=1e-2)


@dataclass(frozen=True)
class Predicted:
    """Predictions in the metric's own units.

    Attributes:
        mean: Shape (m,).
        std: Standard deviation of the metric without the noise of a report, shape (m,).
    """

    mean: FloatArray
    std: FloatArray


class Surrogate:
    """A Gaussian process with a Matern 5/2 kernel, fitted to observations of a metric.

    Every coordinate has a length scale of its own, which is fitted with the noise by the marginal
    likelihood. Values that are not finite count as bad ones (see `scaled_targets`).

    Args:
        observations: What it learns from.
        mode: `min` or `max`.
        random_seed: Of the starts of the fit.

    Attributes:
        observations: What it learnt from.
        tamed: Values as the model sees them, in the metric's own units, shape (n,).
        noise_std: Standard deviation of the noise of a report, in the metric's own units.
    """

    def __init__(self, observations: Observations, mode: str, random_seed: int) -> None:
        self.observations = observations
        self.sign = -1.0 if mode == "max" else 1.0
        self._targets: Targets = scaled_targets(self.sign * observations.values)
        self.points = observations.points
        self.inputs = self._inputs(self.points[observations.rows], observations.levels)
        dimension = self.inputs.shape[1]
        self.regression = GaussianProcessRegression(
            KernelProcess(Matern52(dimension, ARD=True), ScalarMean()), optimization=_FIT
        )
        random_state = np.random.RandomState(random_seed)
        self.theta = self.regression.fit(self.inputs, self._targets.values, random_state)
        self.posterior = self.posterior_at(self.theta)
        self.tamed = self.to_metric(self._targets.values)
        self.noise_std = float(np.sqrt(self.posterior.noise_variance)) * self._targets.std

    def posterior_at(self, theta: FloatArray) -> Posterior:
        """The posterior with other parameters."""
        return self.regression.posterior(theta, self.inputs, self._targets.values)

    @property
    def targets(self) -> FloatArray:
        """What the process learns: smaller is better, mean 0, variance 1; shape (n,)."""
        return self._targets.values

    @property
    def scale(self) -> float:
        """Standard deviation of the metric that one unit of the targets stands for."""
        return self._targets.std

    def to_metric(self, targets: FloatArray) -> FloatArray:
        """Targets in the metric's own units."""
        values: FloatArray = self.sign * (targets * self._targets.std + self._targets.mean)
        return values

    @property
    def is_drawn_in(self) -> BoolArray:
        """Which values the model sees as better than they were reported, shape (n,)."""
        values = self.observations.values
        changes = np.abs(np.where(np.isfinite(values), values, np.inf) - self.tamed)
        return changes > _ROUNDING * max(self.scale, float(np.abs(self.tamed).max(initial=0.0)))

    def _inputs(self, points: FloatArray, levels: IntArray | int) -> FloatArray:
        """Inputs of the process: configurations, and where there are levels, their logarithms."""
        level = self.observations.level
        if not self.observations.has_levels or level is None:
            return points
        # A curve changes as much from 1 to 3 as from 27 to 81.
        resource = np.broadcast_to(np.log(levels) / np.log(level), len(points))
        return np.column_stack([points, resource])

    def at_level(self, points: FloatArray) -> FloatArray:
        """Inputs of the process for configurations (m, d) at the level that is asked for."""
        return self._inputs(points, self.observations.level or 1)

    # Predictions

    def predict(self, points: FloatArray) -> Predicted:
        """Prediction at encoded configurations (m, d)."""
        found = self.posterior.predict(self.at_level(points))
        return Predicted(self.to_metric(found.mean[:, 0]), found.std[:, 0] * self.scale)

    def predict_mean(self, points: FloatArray) -> FloatArray:
        """Means at encoded configurations (m, d), shape (m,)."""
        return self.to_metric(self.posterior.predict_mean(self.at_level(points))[:, 0])

    def predict_average(self, points: FloatArray) -> Predicted:
        """Prediction of averages of the metric over several configurations.

        Args:
            points: The configurations of g averages over q each, shape (g, q, d).

        Returns:
            Means and standard deviations of the averages, shape (g,). The deviation takes into
            account that errors at near points go together.
        """
        num, size, dimension = points.shape
        process, theta = self.posterior.process, self.posterior.theta
        mean, variance = np.empty(num), np.empty(num)
        for i in range(num):
            inputs = self.at_level(points[i].reshape(size, dimension))
            prior_mean, _, cross, _ = process.cross(theta, inputs, self.inputs)
            _, covariance = process.joint(theta, inputs)
            averaged = cross.mean(axis=0)
            mean[i] = prior_mean.mean() + averaged @ self.posterior.weights[:, 0]
            variance[i] = covariance.mean() - averaged @ self._solve(averaged)
        std = np.sqrt(np.maximum(variance, 0.0))
        return Predicted(self.to_metric(mean), std * self.scale)

    def _solve(self, right: FloatArray) -> FloatArray:
        from synetune_lab.gp.linalg import solve_lower, solve_lower_t

        return solve_lower_t(self.posterior.factor, solve_lower(self.posterior.factor, right))

    def nearness(self, points: FloatArray) -> FloatArray:
        """Prior correlation of each configuration (m, d) with those of the trials: shape (m, t)."""
        inputs, trials = self.at_level(points), self.at_level(self.points)
        _, diagonal, cross, _ = self.posterior.process.cross(self.posterior.theta, inputs, trials)
        nearness: FloatArray = cross / diagonal[:, None]
        return nearness

    # Quality

    def leave_out(self) -> Predicted:
        """Prediction of each observation by all those of other configurations.

        Parameters that were fitted to few observations have seen all of them, and would praise
        themselves. So they are fitted again without a part of the configurations at a time, and
        each is predicted with those that have not seen it.

        Returns:
            Means, and standard deviations with the noise of a report, shape (n,).
        """
        _, groups = np.unique(self.points, axis=0, return_inverse=True)
        of_observation = np.asarray(groups).reshape(-1)[self.observations.rows]
        mean, std = np.empty(len(of_observation)), np.empty(len(of_observation))
        for theta, is_out in self._parameters_without(of_observation):
            found = left_out_predictions(self.posterior_at(theta), of_observation)
            mean[is_out], std[is_out] = found[0][is_out], found[1][is_out]
        return Predicted(self.to_metric(mean), std * self.scale)

    def _parameters_without(self, groups: IntArray) -> Iterator[tuple[FloatArray, BoolArray]]:
        """Parameters, and the observations that they have not seen."""
        size = len(groups)
        num = next((folds for most, folds in _FOLDS if size <= most), 0)
        if num == 0:
            yield self.theta, np.ones(size, dtype=bool)
            return
        random_state = np.random.RandomState(0)
        fold = random_state.permutation(int(groups.max()) + 1)[groups] % num
        for one in range(num):
            is_out = fold == one
            if is_out.any():
                x, y = self.inputs[~is_out], self.targets[~is_out]
                yield self.regression.fit(x, y, random_state, is_full=False), is_out
