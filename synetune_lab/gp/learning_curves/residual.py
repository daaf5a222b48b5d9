"""The contract of the part g of a learning curve that belongs to its configuration alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synetune_lab.gp.parameters import Parameter

    FloatArray = npt.NDArray[np.float64]
    ResidualPullback = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = ["Residual"]


class Residual(ABC):
    """A Gaussian model of g(r), independent for each configuration.

    Levels are consecutive integers from `r_min` on.

    Args:
        r_min: Smallest level, at least 1.
        r_max: Largest level, above `r_min`.

    Raises:
        SchedulerError: If the levels are not in order.

    Attributes:
        parameters: What is learnt; `theta` has their values in this order.
    """

    parameters: tuple[Parameter, ...]

    def __init__(self, r_min: int, r_max: int) -> None:
        if not 1 <= r_min < r_max:
            raise SchedulerError(
                f"r_min={r_min} and r_max={r_max}: needs 1 <= r_min < r_max; a curve of one level "
                "is served by a Gaussian process"
            )
        self.r_min = r_min
        self.r_max = r_max

    @property
    def num_levels(self) -> int:
        """Number of levels R."""
        return self.r_max - self.r_min + 1

    @abstractmethod
    def moments(
        self, theta: FloatArray, depth: int
    ) -> tuple[FloatArray, FloatArray, ResidualPullback]:
        """Mean and covariance of g at the first `depth` levels.

        Returns:
            The mean, shape (depth,), the covariance, shape (depth, depth), and the pullback from
            derivatives by both (the second symmetric) to those by `theta`.
        """
