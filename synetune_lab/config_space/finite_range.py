"""Evenly spaced numbers, on a linear or a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.arguments import as_integer, as_real, check_order, tidy, to_float
from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.samplers import Sampler, Uniform
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import FloatArray

__all__ = ["FiniteRange"]

# Every value is held as a tuple once, for members, casting and drawing.
_LARGEST_SIZE = 1_000_000


class FiniteRange(Domain):
    """`size` evenly spaced numbers, both ends included, all equally likely.

    Args:
        lower: First value.
        upper: Last value.
        size: Number of values, at least 2.
        log_scale: Whether their logarithms are evenly spaced; needs a positive `lower`.
        cast_int: Whether values are rounded to whole numbers after that.
    """

    default_sampler_cls = Uniform

    def __init__(
        self,
        lower: float,
        upper: float,
        size: int,
        log_scale: bool = False,
        cast_int: bool = False,
    ) -> None:
        what = "logfinrange" if log_scale else "finrange"
        self.lower = as_real(what, "lower", lower)
        self.upper = as_real(what, "upper", upper)
        self.size = as_integer(what, "size", size)
        self.log_scale = bool(log_scale)
        self.cast_int = bool(cast_int)
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ConfigSpaceError(f"{what}: lower={lower} and upper={upper} must be finite")
        check_order(what, self.lower, self.upper)
        if not 2 <= self.size <= _LARGEST_SIZE:
            raise ConfigSpaceError(
                f"{what}: size={size} must be at least 2 and at most {_LARGEST_SIZE}"
            )
        if self.lower == self.upper:
            raise ConfigSpaceError(f"{what}: lower={lower} must be below upper={upper}")
        if self.log_scale and self.lower <= 0:
            raise ConfigSpaceError(f"{what}: lower={lower} must be positive for a log scale")
        if self.cast_int:
            self.lower = as_integer(what, "lower", self.lower)
            self.upper = as_integer(what, "upper", self.upper)
        self._values = self._make_values()
        self._position = {value: i for i, value in reversed(list(enumerate(self._values)))}

    @property
    def values(self) -> list[Any]:
        """The `size` values in their order."""
        return list(self._values)

    @property
    def value_type(self) -> type:
        """Float, or int if `cast_int`."""
        return int if self.cast_int else float

    @property
    def scale(self) -> str:
        """`log` or `linear`."""
        return "log" if self.log_scale else "linear"

    @property
    def domain_str(self) -> str:
        """Bounds and size, as `(lower, upper, size)`."""
        return f"({self.lower}, {self.upper}, {self.size})"

    def cast(self, value: Any) -> Any:
        """The value nearest to a number, on the domain's scale (see `Domain.cast`)."""
        return self._values[self.position(value)]

    def clip(self, value: Any) -> Any:
        """The same as `cast`, which never leaves the range."""
        return self.cast(value)

    def position(self, value: Any) -> int:
        """Position of the value nearest to a number.

        Raises:
            InvalidConfigError: If it is not a number.
        """
        position: int | None = self._known_position(value)
        if position is not None:
            return position
        real = to_float(value, self)
        if math.isnan(real):
            raise InvalidConfigError(f"{value!r} can't be a value of {self}")
        real = min(max(real, self.lower), self.upper)
        into = math.log if self.log_scale else float
        low, high = into(self.lower), into(self.upper)
        fraction: float = (into(real) - low) / (high - low)
        return round(fraction * (self.size - 1))

    def _known_position(self, value: Any) -> int | None:
        try:
            return self._position.get(value)
        except TypeError:
            return None

    def is_valid(self, value: Any) -> bool:
        """Whether `value` is one of the values, up to round-off."""
        if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
            return False
        if math.isnan(value):
            return False
        return math.isclose(self.cast(value), value, rel_tol=1e-7, abs_tol=self._tolerance())

    def num_values(self) -> int:
        """Number of different values; rounding to whole numbers may merge some."""
        return len(self._position)

    def members(self) -> Sequence[Any]:
        """The different values in their order."""
        return sorted(self._position)

    def match_string(self, value: Any) -> str:
        """Position of the value."""
        return str(self._position[self.cast(value)])

    def set_sampler(self, sampler: Sampler, allow_override: bool = False) -> None:
        """Refuse: the values are equally likely.

        Raises:
            ConfigSpaceError: Always, but for the uniform sampler.
        """
        del allow_override
        if type(sampler) is Uniform:
            return
        raise ConfigSpaceError(f"{self} has its own prior, so {sampler!r} can't be set")

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map positions of [0, 1] to values, each with an equal share."""
        del sampler
        import numpy as np

        positions = np.clip(np.floor(np.asarray(unit) * self.size), 0, self.size - 1)
        values = self._values
        return [values[i] for i in positions.astype(np.int64).tolist()]

    def to_unit(self, values: Sequence[Any]) -> FloatArray:
        """Middle of the share of each value."""
        import numpy as np

        positions = np.array([self.position(value) for value in values], dtype=np.float64)
        shares: FloatArray = (positions + 0.5) / self.size
        return shares

    def unit_interval(self, active: Domain) -> tuple[float, float]:
        """Shares of the values of `active`, which must be neighbours here."""
        values = active.members()
        if values is None or not all(self.is_valid(value) for value in values):
            raise ConfigSpaceError(f"{active} is not a part of {self}")
        inside = {self.cast(value) for value in values}
        first, last = min(inside), max(inside)
        if any(first < value < last and value not in inside for value in self._position):
            raise ConfigSpaceError(f"{active} is not a contiguous part of {self}")
        # Rounding may have merged values, so that the last one has several positions.
        end = self.size - self._values[::-1].index(last)
        return self._position[first] / self.size, end / self.size

    def _make_values(self) -> tuple[Any, ...]:
        into, back = (math.log, math.exp) if self.log_scale else (float, float)
        low, high = into(self.lower), into(self.upper)
        steps = self.size - 1
        # Written so that both ends come out exactly and 0.3 does not become 0.30000000000000004.
        inner = [tidy(back((low * (steps - i) + high * i) / steps)) for i in range(1, steps)]
        values = [self.lower, *(min(max(x, self.lower), self.upper) for x in inner), self.upper]
        return tuple(round(x) for x in values) if self.cast_int else tuple(values)

    def _tolerance(self) -> float:
        return 1e-9 * (self.upper - self.lower) / self.size

    def __repr__(self) -> str:
        name = "logfinrange" if self.log_scale else "finrange"
        cast_int = ", cast_int=True" if self.cast_int else ""
        return f"{name}({self.lower}, {self.upper}, {self.size}{cast_int})"
