"""Domains of real and of whole numbers."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from synetune_lab.config_space.arguments import (
    as_integer,
    as_real,
    check_order,
    decimals,
    is_number,
    round_to_key,
    tidy,
    to_float,
)
from synetune_lab.config_space.number import Number
from synetune_lab.config_space.samplers import (
    Normal,
    Quantized,
    ReverseLogUniform,
    Sampler,
    Uniform,
    split_quantized,
)
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import FloatArray

__all__ = ["Float", "Integer"]


class Float(Number):
    """Real numbers of a closed interval.

    Args:
        lower: Lower bound, included; None for no bound, which only a normal prior allows.
        upper: Upper bound, included; None for no bound.
    """

    default_sampler_cls = Uniform

    def __init__(self, lower: float | None, upper: float | None) -> None:
        self.lower = -math.inf if lower is None else as_real("Float", "lower", lower)
        self.upper = math.inf if upper is None else as_real("Float", "upper", upper)
        check_order("Float", self.lower, self.upper)

    @property
    def value_type(self) -> type:
        """Float."""
        return float

    def reverseloguniform(self) -> Float:
        """A copy that draws uniformly in -log(1 - value).

        Raises:
            ConfigSpaceError: Unless 0 <= lower <= upper < 1.
        """
        return self._with_sampler(ReverseLogUniform())

    def normal(self, mean: float = 0.0, sd: float = 1.0) -> Float:
        """A copy that draws from a normal distribution, truncated to the bounds."""
        return self._with_sampler(Normal(mean, sd))

    def quantized(self, q: float) -> Float:
        """A copy whose values are multiples of `q`.

        Raises:
            ConfigSpaceError: If a finite bound is not a multiple of `q`.
        """
        sampler = Quantized(self.get_sampler(), as_real("quantized", "q", q))
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            if math.isfinite(bound) and abs(bound / q - round(bound / q)) > 1e-8 * max(
                1.0, abs(bound / q)
            ):
                low, high = math.floor(bound / q) * q, math.ceil(bound / q) * q
                raise ConfigSpaceError(
                    f"{self._shown()}.quantized({q}): {name}={bound} is not a multiple of q={q}; "
                    f"take {low:.12g} or {high:.12g}"
                )
        return self._with_sampler(sampler, allow_override=True)

    def cast(self, value: Any) -> float:
        """The value as float, rounded to a multiple of q if quantized (see `Domain.cast`)."""
        result = to_float(value, self)
        step = self.step
        if step is None or not math.isfinite(result):
            return result
        return self.clip_reals([result], step)[0]

    def clip_reals(self, reals: Any, step: float) -> list[float]:
        """Reals rounded to multiples of `step` within the bounds."""
        import numpy as np

        rounded = np.rint(np.asarray(reals, dtype=np.float64) / step) * step
        digits = decimals(step)
        if digits is not None:
            # 3 * 0.1 is 0.30000000000000004; a configuration should read 0.3.
            rounded = np.round(rounded, digits)
        return cast("list[float]", np.clip(rounded, self.lower, self.upper).tolist())

    def is_valid(self, value: Any) -> bool:
        """Whether `value` is a number within the bounds."""
        return is_number(value) and self.lower <= value <= self.upper

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map positions of [0, 1] to reals (see `Domain.from_unit`)."""
        sampler = sampler or self.get_sampler()
        reals = self._reals(unit, sampler)
        _, step = split_quantized(sampler)
        return reals.tolist() if step is None else self.clip_reals(reals, step)

    def num_values(self) -> int | None:
        """One if the bounds meet, finite if quantized, else None."""
        if self.lower == self.upper:
            return 1
        if self.step is None or not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            return None
        return int(round(self.upper / self.step) - round(self.lower / self.step)) + 1

    def members(self) -> Sequence[float] | None:
        """The values, if there are finitely many."""
        size = self.num_values()
        if size is None:
            return None
        if size == 1 or self.step is None:
            return [self.lower]
        import numpy as np

        return self.clip_reals(self.lower + self.step * np.arange(size), self.step)

    def match_string(self, value: Any) -> str:
        """The value to 36 bits, so that values that differ by round-off match."""
        return f"{round_to_key(value):.12e}"

    def midpoint(self) -> float:
        """The middle on the domain's scale, without the digits of round-off."""
        return self.cast(min(max(tidy(super().midpoint()), self.lower), self.upper))

    def _edges(self, step: float | None) -> tuple[float, float]:
        del step
        return self.lower, self.upper


class Integer(Number):
    """Whole numbers between two bounds, both included.

    Args:
        lower: Smallest value.
        upper: Largest value.
    """

    default_sampler_cls = Uniform

    def __init__(self, lower: int, upper: int) -> None:
        self.lower = as_integer("Integer", "lower", lower)
        self.upper = as_integer("Integer", "upper", upper)
        check_order("Integer", self.lower, self.upper)

    @property
    def value_type(self) -> type:
        """Int."""
        return int

    def quantized(self, q: int) -> Integer:
        """A copy whose values are the multiples of `q` between the bounds.

        Raises:
            ConfigSpaceError: If there is no such multiple.
        """
        q = as_integer("quantized", "q", q)
        sampler = Quantized(self.get_sampler(), q)
        if -(-self.lower // q) * q > self.upper:
            raise ConfigSpaceError(f"{self._shown()}.quantized({q}): no multiple of q={q} in range")
        return self._with_sampler(sampler, allow_override=True)

    def cast(self, value: Any) -> int:
        """The nearest whole number, or multiple of q if quantized (see `Domain.cast`)."""
        if isinstance(value, numbers.Integral):
            result = int(value)
        else:
            real = to_float(value, self)
            if not math.isfinite(real):
                raise InvalidConfigError(f"{value!r} can't be a value of {self}: not finite")
            result = round(real)
        step = self.step
        if step is None:
            return result
        return int(min(max(round(result / step) * step, self._first()), self._last()))

    def is_valid(self, value: Any) -> bool:
        """Whether `value` is a whole number within the bounds."""
        if isinstance(value, bool):
            return False
        return isinstance(value, numbers.Integral) and self.lower <= value <= self.upper

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map positions of [0, 1] to whole numbers (see `Domain.from_unit`).

        A number stands for the interval of one step around it, so that a uniform prior gives each
        the same probability, and the log scale runs from log(lower - 0.5) to log(upper + 0.5).
        """
        import numpy as np

        sampler = sampler or self.get_sampler()
        step = int(split_quantized(sampler)[1] or 1)
        reals = self._reals(unit, sampler)
        values = np.rint(reals / step) * step
        low, high = self._first(step), self._last(step)
        return cast("list[Any]", np.clip(values, low, high).astype(np.int64).tolist())

    def num_values(self) -> int:
        """Number of values."""
        return len(self.members())

    def members(self) -> range:
        """The values as a range."""
        return range(self._first(), self._last() + 1, int(self.step or 1))

    def midpoint(self) -> int:
        """The middle of the bounds, on a log scale the root of their product."""
        log = self.scale == "log"
        middle = math.sqrt(self.lower * self.upper) if log else (self.lower + self.upper) / 2
        return self.cast(middle)

    def match_string(self, value: Any) -> str:
        """The number itself."""
        return str(int(value))

    def _first(self, step: int | None = None) -> int:
        step = step or int(self.step or 1)
        return int(-(-self.lower // step) * step)

    def _last(self, step: int | None = None) -> int:
        step = step or int(self.step or 1)
        return int(self.upper // step * step)

    def _edges(self, step: float | None) -> tuple[float, float]:
        width = int(step or 1)
        return self._first(width) - 0.5 * width, self._last(width) + 0.5 * width
