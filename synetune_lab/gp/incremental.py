"""Posteriors of growing data: while parameters stand, factors are extended, not made anew."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.posterior import Posterior
    from synetune_lab.gp.regression import GaussianProcessRegression

    FloatArray = npt.NDArray[np.float64]

__all__ = ["IncrementalPosterior"]


class IncrementalPosterior:
    """Keeps the factor of the last posterior, to extend it by new points.

    An extended factor differs from a fresh one in the last digits. What is pickled is how the
    factor came about, and it comes about in the same way again, so that a run that is resumed goes
    on with the very same numbers.

    Args:
        regression: The model.
    """

    def __init__(self, regression: GaussianProcessRegression) -> None:
        self.regression = regression
        self._theta: FloatArray | None = None
        self._factor: FloatArray | None = None
        # Rows of the factor after each extension, and a digest of its points.
        self._sizes: list[int] = []
        self._digest = b""

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_factor": None}

    def posterior(self, theta: FloatArray, x: FloatArray, targets: FloatArray) -> Posterior:
        """The posterior of points (n, d) with targets (n,), for parameters (p,)."""
        size = self._sizes[-1] if self._sizes else 0
        goes_on = (
            0 < size <= len(x)
            and self._theta is not None
            and np.array_equal(theta, self._theta)
            and _digest(x[:size]) == self._digest
        )
        if not goes_on:
            self._factor, self._sizes = None, [len(x)]
        elif size < len(x):
            self._sizes.append(len(x))
        if self._factor is None:
            posterior = self.regression.posterior(
                theta, x[: self._sizes[0]], targets[: self._sizes[0]]
            )
            self._factor = posterior.factor
        while len(self._factor) < len(x):
            done = len(self._factor)
            end = next(size for size in self._sizes if size > done)
            self._factor = self.regression.extended_factor(
                theta, self._factor, x[:done], x[done:end]
            )
        self._theta, self._digest = theta, _digest(x)
        return self.regression.posterior(theta, x, targets, self._factor)


def _digest(x: FloatArray) -> bytes:
    return blake2b(np.ascontiguousarray(x).tobytes(), digest_size=16).digest()
