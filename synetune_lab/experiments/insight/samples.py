"""Functions drawn from the posterior of an insight's model, with its parameters drawn as well.

Glossary: p parameters, m points, d inputs of the process, F features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.linalg import solve_lower, solve_lower_t

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.experiments.insight.surrogate import Surrogate
    from synetune_lab.gp.posterior import Posterior

    FloatArray = npt.NDArray[np.float64]

__all__ = ["PathSample", "draw_parameters", "draw_paths"]

_NUM_FEATURES = 512
_NUM_PROPOSALS = 64
_STEP = 0.02
# Where data say nothing of a parameter, its logarithm is drawn with this standard deviation.
_WIDEST = 3.0


@dataclass(frozen=True)
class PathSample:
    """One function drawn from a posterior, which can be asked at any points.

    A draw from the prior by random Fourier features is moved to the data: Wilson, Borovitskiy,
    Terenin, Mostowsky, Deisenroth: Efficiently Sampling Functions from Gaussian Process Posteriors,
    https://arxiv.org/abs/2002.09309. For the Matern 5/2 kernel, frequencies have a t distribution
    with 5 degrees of freedom.

    Attributes:
        posterior: The posterior.
        frequencies: Shape (F, d).
        phases: Shape (F,).
        weights: Shape (F,).
        update: What moves the draw to the data, shape (n,).
    """

    posterior: Posterior
    frequencies: FloatArray
    phases: FloatArray
    weights: FloatArray
    update: FloatArray

    @staticmethod
    def draw(posterior: Posterior, random_state: np.random.RandomState) -> PathSample:
        """Draw one."""
        dimension = posterior.x.shape[1]
        theta = posterior.theta
        is_ard = dimension > 1
        bandwidths = theta[:dimension] if is_ard else theta[:1]
        scale = float(theta[dimension if is_ard else 1])
        normal = random_state.standard_normal((_NUM_FEATURES, dimension))
        spread = np.sqrt(random_state.chisquare(5.0, (_NUM_FEATURES, 1)) / 5.0)
        frequencies = bandwidths * normal / spread
        phases = random_state.uniform(0.0, 2.0 * math.pi, _NUM_FEATURES)
        size = math.sqrt(2.0 * scale / _NUM_FEATURES)
        weights = size * random_state.standard_normal(_NUM_FEATURES)
        prior = np.cos(posterior.x @ frequencies.T + phases) @ weights
        noise = random_state.standard_normal(len(prior)) * math.sqrt(posterior.noise_variance)
        missing = solve_lower(posterior.factor, prior + noise)
        update = posterior.weights[:, 0] - solve_lower_t(posterior.factor, missing)
        return PathSample(posterior, frequencies, phases, weights, update)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Values at inputs (m, d): shape (m,)."""
        process, theta = self.posterior.process, self.posterior.theta
        mean, _, cross, _ = process.cross(theta, x, self.posterior.x)
        drawn = np.cos(x @ self.frequencies.T + self.phases) @ self.weights
        values: FloatArray = mean + drawn + cross @ self.update
        return values


def draw_paths(
    surrogate: Surrogate, num: int, random_state: np.random.RandomState
) -> list[PathSample]:
    """Functions drawn from the posterior, each with parameters of its own."""
    return [
        PathSample.draw(surrogate.posterior_at(theta), random_state)
        for theta in draw_parameters(surrogate, num, random_state)
    ]


def draw_parameters(
    surrogate: Surrogate, num: int, random_state: np.random.RandomState
) -> list[FloatArray]:
    """Parameters drawn from their posterior, as far as a normal distribution finds it.

    Proposals come from the Laplace approximation around the fitted ones, on the scale of the fit,
    and are drawn again by their importance.

    Returns:
        `num` vectors of natural values, shape (p,) each.
    """
    regression, vector = surrogate.regression, surrogate.regression.vector
    data = regression.prepare(surrogate.inputs, surrogate.targets)
    centre = vector.encode(surrogate.theta)

    def gradient(encoded: FloatArray) -> FloatArray:
        theta = vector.decode(encoded)
        return regression.criterion(theta, data)[1] * vector.derivative(theta)

    try:
        best, _ = regression.criterion(surrogate.theta, data)
        rows = [
            (gradient(centre + step) - gradient(centre - step)) / (2.0 * _STEP)
            for step in _STEP * np.eye(len(vector))
        ]
        hessian = np.array(rows)
        values, directions = np.linalg.eigh(0.5 * (hessian + hessian.T))
        spread = 1.0 / np.sqrt(np.maximum(values, _WIDEST**-2))
        normal = random_state.standard_normal((_NUM_PROPOSALS, len(vector)))
        normal[0] = 0.0
        proposals = [vector.decode(centre + directions @ (spread * z)) for z in normal]
        found = np.array([_criterion(surrogate, theta, data) for theta in proposals])
    except (FloatingPointError, np.linalg.LinAlgError):
        return [surrogate.theta] * num
    logarithms = best - found + 0.5 * np.einsum("ij,ij->i", normal, normal)
    weights = np.exp(np.minimum(logarithms - logarithms.max(), 0.0))
    edges = np.cumsum(weights / weights.sum())
    places = (np.arange(num) + random_state.random_sample()) / num
    chosen = np.minimum(np.searchsorted(edges, places), _NUM_PROPOSALS - 1)
    return [proposals[i] for i in chosen]


def _criterion(surrogate: Surrogate, theta: FloatArray, data: object) -> float:
    try:
        value, _ = surrogate.regression.criterion(theta, data)  # type: ignore[arg-type]
    except (FloatingPointError, np.linalg.LinAlgError):
        return np.inf
    return value if np.isfinite(value) else np.inf
