"""What a model says of points: means and standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """Predictive means and standard deviations of m points, without the noise of observations.

    Attributes:
        mean: Shape (m, k): one column a fantasy or a sample of the model's parameters.
        std: Shape (m, 1), shared by all columns, or (m, k).
    """

    mean: FloatArray
    std: FloatArray
