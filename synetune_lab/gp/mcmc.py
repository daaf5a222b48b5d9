"""Samples of a Gaussian process' parameters, instead of their best values."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError
from synetune_lab.gp.mixed import MixedPosterior
from synetune_lab.gp.slice_sampling import SliceSamplingError, slice_sample

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.regression import GaussianProcessRegression

    FloatArray = npt.NDArray[np.float64]

__all__ = ["GaussianProcessMCMC", "MCMCConfig"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MCMCConfig:
    """Length of a chain.

    Attributes:
        n_samples: Number of steps.
        n_burnin: Number of first steps that are dropped.
        n_thinning: Of the other steps, each `n_thinning`-th is kept.

    Raises:
        SchedulerError: If nothing would be kept.
    """

    n_samples: int = 300
    n_burnin: int = 250
    n_thinning: int = 5

    def __post_init__(self) -> None:
        if self.n_burnin < 0 or self.n_thinning < 1 or self.num_kept < 1:
            raise SchedulerError(
                f"n_samples={self.n_samples} must be at least n_burnin={self.n_burnin} (0 or more) "
                f"plus n_thinning={self.n_thinning} (1 or more)"
            )

    @property
    def num_kept(self) -> int:
        """Number of samples that are kept."""
        return (self.n_samples - self.n_burnin) // self.n_thinning


class GaussianProcessMCMC:
    """A Gaussian process whose parameters are sampled given data, by slice sampling.

    The density of the encoded parameters is proportional to exp(-criterion) inside their bounds:
    priors count as they do in a fit, so that a parameter with a uniform prior and logarithmic
    encoding is uniform in its logarithm. Snoek, Larochelle, Adams: Practical Bayesian optimization
    of machine learning algorithms, https://arxiv.org/abs/1206.2944.

    Args:
        regression: The model.
        mcmc_config: Length of the chain.
    """

    def __init__(
        self, regression: GaussianProcessRegression, mcmc_config: MCMCConfig | None = None
    ) -> None:
        self.regression = regression
        self.mcmc_config = mcmc_config or MCMCConfig()

    @property
    def num_samples(self) -> int:
        """Number of samples of the parameters s."""
        return self.mcmc_config.num_kept

    def fit(
        self,
        x: FloatArray,
        targets: FloatArray,
        random_state: np.random.RandomState,
        start: FloatArray | None = None,
    ) -> FloatArray:
        """Samples of the parameters given data.

        Args:
            x: Points, shape (n, d).
            targets: Shape (n,).
            random_state: Source of all randomness.
            start: Values to begin with; None for the initial ones.

        Returns:
            Natural values, shape (s, p). If the chain can't move, which is logged, they are those
            to begin with, s times.
        """
        vector = self.regression.vector
        first = vector.initial if start is None else np.asarray(start, dtype=np.float64)
        data = self.regression.prepare(x, targets)
        lower, upper = np.array(vector.bounds).T

        def log_density(encoded: FloatArray) -> float:
            if (encoded < lower).any() or (encoded > upper).any():
                return -math.inf
            try:
                return -self.regression.criterion(vector.decode(encoded), data)[0]
            except (FloatingPointError, OverflowError, np.linalg.LinAlgError):
                return -math.inf

        config = self.mcmc_config
        try:
            encoded = slice_sample(
                log_density,
                np.clip(vector.encode(first), lower, upper),
                config.n_samples,
                config.n_burnin,
                config.n_thinning,
                random_state=random_state,
            )
        except SliceSamplingError as error:
            logger.warning("the parameters of a model could not be sampled: %s", error)
            return np.tile(first, (self.num_samples, 1))
        return np.array([vector.decode(row) for row in encoded])

    def posterior(self, thetas: FloatArray, x: FloatArray, targets: FloatArray) -> MixedPosterior:
        """The posteriors given data for all samples of the parameters.

        Args:
            thetas: What `fit` gave, shape (s, p).
            x: Points, shape (n, d).
            targets: Shape (n,), or (n, k) with k a multiple of s, dealt out blockwise.

        Raises:
            SchedulerError: If k is no multiple of s.
        """
        count = len(thetas)
        columns = targets.reshape(len(x), -1)
        if columns.shape[1] > 1 and columns.shape[1] % count:
            raise SchedulerError(
                f"targets have {columns.shape[1]} columns; their number must be a multiple of the "
                f"number of samples of the parameters, {count}"
            )
        width = columns.shape[1] // count
        shares = (
            [columns] * count
            if columns.shape[1] == 1
            else [columns[:, i * width : (i + 1) * width] for i in range(count)]
        )
        return MixedPosterior(
            [
                self.regression.posterior(theta, x, share)
                for theta, share in zip(thetas, shares, strict=True)
            ]
        )
