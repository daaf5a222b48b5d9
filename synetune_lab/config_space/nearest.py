"""An ordered set of numbers that is drawn and encoded through the real interval around it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.arguments import to_float
from synetune_lab.config_space.discrete import Ordinal
from synetune_lab.config_space.samplers import Sampler, Uniform
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synetune_lab.config_space.domain import Domain, FloatArray

__all__ = ["OrdinalNearestNeighbor"]


class OrdinalNearestNeighbor(Ordinal):
    """Strictly increasing numbers; a real number stands for the nearest of them.

    The interval covers all values and half the mean distance between them at either end, so that
    the ends get a share too. Unless the values are evenly spaced, they are not equally likely.

    Args:
        categories: Strictly increasing numbers of one type.
        log_scale: Whether distance and interval are those of the logarithms; needs positive values.
    """

    def __init__(self, categories: Sequence[Any], log_scale: bool = False) -> None:
        super().__init__(categories)
        self.log_scale = bool(log_scale)
        values = self.categories
        if self.value_type not in (int, float):
            raise ConfigSpaceError(
                f"ordinal: categories={values} must be numbers for kind='nn' or 'nn-log'; "
                "use kind='equal'"
            )
        if any(low >= high for low, high in pairwise(values)):
            raise ConfigSpaceError(f"ordinal: categories={values} must be strictly increasing")
        if self.log_scale and values[0] <= 0:
            raise ConfigSpaceError(
                f"ordinal: categories={values} must be positive for kind='nn-log'"
            )
        self._internal = [self._into(value) for value in values]

    @property
    def scale(self) -> str:
        """`log` or `linear`."""
        return "log" if self.log_scale else "linear"

    @property
    def lower_int(self) -> float | None:
        """Lower end of the covering interval, in logarithms if `log_scale`; None for one value."""
        return self._interval()[0] if len(self.categories) > 1 else None

    @property
    def upper_int(self) -> float | None:
        """Upper end of the covering interval; None for one value."""
        return self._interval()[1] if len(self.categories) > 1 else None

    @property
    def categories_int(self) -> npt.NDArray[np.float64] | None:
        """The values on the internal scale, shape (n,); None for one value."""
        import numpy as np

        return np.array(self._internal) if len(self.categories) > 1 else None

    def cast_int(self, value_int: float) -> Any:
        """The value nearest to a number of the internal scale."""
        return self.categories[self._nearest(float(value_int))]

    def cast(self, value: Any) -> Any:
        """The value nearest to a number (see `Domain.cast`)."""
        real = to_float(value, self)
        if math.isnan(real):
            raise InvalidConfigError(f"{value!r} can't be a value of {self}")
        if self.log_scale and real <= 0:
            return self.categories[0]
        return self.cast_int(self._into(real))

    def set_sampler(self, sampler: Sampler, allow_override: bool = False) -> None:
        """Refuse: the interval and the nearest neighbour are the prior.

        Raises:
            ConfigSpaceError: Always, but for the uniform sampler and the mark of grid search.
        """
        del allow_override
        if type(sampler) is Uniform:
            return
        raise ConfigSpaceError(f"{self} has its own prior, so {sampler!r} can't be set")

    def is_valid(self, value: Any) -> bool:
        """Whether `value` is one of the numbers."""
        return not isinstance(value, (bool, str)) and super().is_valid(value)

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map positions of the covering interval to the nearest values."""
        del sampler
        import numpy as np

        if len(self.categories) == 1:
            return [self.categories[0]] * len(unit)
        low, high = self._interval()
        internal = np.array(self._internal)
        reals = low + np.asarray(unit, dtype=np.float64) * (high - low)
        positions = np.searchsorted((internal[1:] + internal[:-1]) / 2, reals, side="right")
        return [self.categories[i] for i in positions.tolist()]

    def to_unit(self, values: Sequence[Any]) -> FloatArray:
        """Position of each value in the covering interval."""
        import numpy as np

        internal = np.array([self._internal[self.position(value)] for value in values])
        if len(self.categories) == 1:
            return np.full(internal.shape, 0.5)
        low, high = self._interval()
        return np.clip((internal - low) / (high - low), 0.0, 1.0)

    def unit_interval(self, active: Domain) -> tuple[float, float]:
        """Share of the covering interval that is nearest to the values of `active`."""
        first, last = self.position_range(active)
        if len(self.categories) == 1:
            return 0.0, 1.0
        low, high = self._interval()
        edges = [
            low,
            *((a + b) / 2 for a, b in pairwise(self._internal)),
            high,
        ]
        return (edges[first] - low) / (high - low), (edges[last + 1] - low) / (high - low)

    def midpoint(self) -> Any:
        """The value nearest to the middle between the first and the last, on its scale."""
        return self.cast_int((self._internal[0] + self._internal[-1]) / 2)

    def _into(self, value: float) -> float:
        return math.log(value) if self.log_scale else float(value)

    def _interval(self) -> tuple[float, float]:
        low, high = self._internal[0], self._internal[-1]
        margin = 0.5 * (high - low) / (len(self._internal) - 1)
        return low - margin, high + margin

    def _nearest(self, internal: float) -> int:
        right = bisect_left(self._internal, internal)
        if right == 0:
            return 0
        if right == len(self._internal):
            return right - 1
        middle = (self._internal[right - 1] + self._internal[right]) / 2
        return right - 1 if internal < middle else right

    def __repr__(self) -> str:
        return f"{'logordinal' if self.log_scale else 'ordinal'}({self.categories})"
