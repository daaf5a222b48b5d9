"""Domains that list their values: unordered and ordered."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.samplers import Grid, Sampler, Uniform, split_quantized
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import FloatArray

__all__ = ["Categorical", "Ordinal"]

_VALUE_TYPES = (str, bool, int, float)
_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}


class Categorical(Domain):
    """A finite set of values without an order, encoded one-hot.

    Args:
        categories: The values: at least one, all of one type (str, int, float or bool), each once.
    """

    default_sampler_cls = Uniform

    def __init__(self, categories: Sequence[Any]) -> None:
        self.categories = _checked_categories(type(self).__name__, categories)
        self._index = {value: i for i, value in enumerate(self.categories)}

    @property
    def value_type(self) -> type:
        """Type of the first value."""
        return type(self.categories[0])

    @property
    def domain_str(self) -> str:
        """The list of values."""
        return str(self.categories)

    def uniform(self) -> Any:
        """A copy that draws every value with the same probability."""
        return self._with_sampler(Uniform())

    def grid(self) -> Any:
        """A copy marked for grid search: every value is to be tried."""
        return self._with_sampler(Grid(), allow_override=True)

    def cast(self, value: Any) -> Any:
        """The value in the type of the choices (see `Domain.cast`).

        A number that differs from a choice by round-off only becomes that choice.
        """
        kind = self.value_type
        try:
            if value in self._index:
                # Of equal values such as 1, 1.0 and True take the one of the domain's type.
                return self.categories[self._index[value]]
        except TypeError:
            raise InvalidConfigError(f"{value!r} can't be a value of {self}") from None
        if kind is bool:
            return _to_bool(value, self)
        try:
            result = kind(value)
        except (TypeError, ValueError):
            raise InvalidConfigError(
                f"{value!r} can't be a value of {self}: it is not of type {kind.__name__}"
            ) from None
        if kind is float:
            for choice in self.categories:
                if math.isclose(result, choice, rel_tol=1e-9, abs_tol=0.0):
                    return choice
        return result

    def clip(self, value: Any) -> Any:
        """The value itself if it is one of the choices (see `Domain.clip`)."""
        result = self.cast(value)
        if not self.is_valid(result):
            raise InvalidConfigError(f"{value!r} is none of the choices {self.categories}")
        return result

    def is_valid(self, value: Any) -> bool:
        """Whether `value` is one of the choices, in their type."""
        try:
            if value not in self._index:
                return False
        except TypeError:
            return False
        return isinstance(value, bool) == (self.value_type is bool)

    def num_values(self) -> int:
        """Number of choices."""
        return len(self.categories)

    def members(self) -> Sequence[Any]:
        """The choices in their order."""
        return self.categories

    def position(self, value: Any) -> int:
        """Position of a choice in the list.

        Raises:
            InvalidConfigError: If it is none of the choices.
        """
        try:
            return self._index[value]
        except (KeyError, TypeError):
            return self._index[self.clip(value)]

    def match_string(self, value: Any) -> str:
        """Position of the choice in the list."""
        return str(self.position(value))

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map positions of [0, 1] to choices, each with an equal share."""
        sampler = sampler or self.get_sampler()
        if isinstance(split_quantized(sampler)[0], Grid):
            sampler.sample(self)
        import numpy as np

        size = len(self.categories)
        positions = np.clip(np.floor(np.asarray(unit) * size), 0, size - 1).astype(np.int64)
        categories = self.categories
        return [categories[i] for i in positions.tolist()]

    def to_unit(self, values: Sequence[Any]) -> FloatArray:
        """Middle of the share of each choice."""
        import numpy as np

        positions = np.array([self.position(value) for value in values], dtype=np.float64)
        shares: FloatArray = (positions + 0.5) / len(self.categories)
        return shares

    def unit_interval(self, active: Domain) -> tuple[float, float]:
        """Shares of the choices of `active`, which must be neighbours here."""
        first, last = self.position_range(active)
        size = len(self.categories)
        return first / size, (last + 1) / size

    def position_range(self, active: Domain) -> tuple[int, int]:
        """First and last position of the choices of `active`.

        Raises:
            ConfigSpaceError: If they are not a contiguous part of the choices.
        """
        values = active.members()
        inside = values is not None and all(self.is_valid(value) for value in values)
        if values is None or not inside:
            raise ConfigSpaceError(f"{active} is not a part of {self}")
        positions = sorted(self.position(value) for value in values)
        if positions != list(range(positions[0], positions[-1] + 1)):
            raise ConfigSpaceError(f"{active} is not a contiguous part of {self}")
        return positions[0], positions[-1]

    def midpoint(self) -> Any:
        """The first choice."""
        return self.categories[0]

    def __repr__(self) -> str:
        return f"{'grid_search' if self.is_grid() else 'choice'}({self.categories})"


class Ordinal(Categorical):
    """A finite set of values in an order, all equally likely, encoded by position.

    Args:
        categories: The values in their order (see `Categorical`).
    """

    @property
    def scale(self) -> str:
        """Linear in the position."""
        return "linear"

    def midpoint(self) -> Any:
        """The middle value, the upper one of two."""
        return self.categories[len(self.categories) // 2]

    def __repr__(self) -> str:
        return f"ordinal({self.categories}, kind='equal')"


def _checked_categories(what: str, categories: Sequence[Any]) -> list[Any]:
    if isinstance(categories, (str, bytes)) or not hasattr(categories, "__iter__"):
        raise ConfigSpaceError(f"{what}: categories={categories!r} must be a list of values")
    values = [_plain(value) for value in categories]
    if not values:
        raise ConfigSpaceError(f"{what}: categories=[] must hold at least one value")
    kinds = {type(value) for value in values}
    if len(kinds) > 1:
        hint = ". Write whole numbers as 1.0" if kinds == {int, float} else ""
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ConfigSpaceError(
            f"{what}: categories={values} must all be of one type, got {names}{hint}"
        )
    if type(values[0]) not in _VALUE_TYPES:
        raise ConfigSpaceError(
            f"{what}: categories={values} must be of type str, int, float or bool, got "
            f"{type(values[0]).__name__}"
        )
    if isinstance(values[0], float) and not all(math.isfinite(value) for value in values):
        raise ConfigSpaceError(f"{what}: categories={values} must not hold NaN or infinities")
    seen = set()
    for value in values:
        if value in seen:
            raise ConfigSpaceError(f"{what}: categories={values} holds {value!r} more than once")
        seen.add(value)
    return values


def _plain(value: Any) -> Any:
    """A numpy scalar or a subclass as the plain Python value."""
    if isinstance(value, _VALUE_TYPES):
        for kind in _VALUE_TYPES:
            if isinstance(value, kind):
                return kind(value)
    if isinstance(value, numbers.Number) or type(value).__module__ == "numpy":
        item = getattr(value, "item", None)
        return item() if item is not None else value
    return value


def _to_bool(value: Any, domain: Domain) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise InvalidConfigError(f"{value!r} can't be a value of {domain}: neither true nor false")
