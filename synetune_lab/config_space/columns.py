"""How one hyperparameter is encoded, decoded and drawn, for whole columns of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.samplers import draws_by_quantile
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    RandomState = np.random.Generator | np.random.RandomState

__all__ = ["Column", "draw_column", "make_column"]

_ROUND_OFF = 1e-9


class Column:
    """A hyperparameter with one coordinate: the position on the domain's own scale.

    Attributes:
        size: Number of coordinates.
        bounds: Lower and upper bound of each coordinate.
    """

    def __init__(self, domain: Domain, active: Domain | None = None) -> None:
        self.domain = domain
        self.drawn = domain if active is None else active
        self.size = 1
        self.bounds = [(0.0, 1.0) if active is None else domain.unit_interval(active)]

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Coordinates of n values: shape (n, size)."""
        return self.domain.to_unit(values).reshape(-1, 1)

    def decode(self, units: FloatArray) -> list[Any]:
        """Values of n rows of coordinates, shape (n, size)."""
        values = self.domain.from_unit(np.clip(units[:, 0], 0.0, 1.0))
        if self.drawn is self.domain:
            return values
        (low, high), drawn = self.bounds[0], self.drawn
        # A bound of the active domain may decode to a value that round-off has moved outside.
        return [
            drawn.clip(value) if low - _ROUND_OFF <= unit <= high + _ROUND_OFF else value
            for value, unit in zip(values, units[:, 0].tolist(), strict=True)
        ]

    def draw(self, random_state: RandomState, size: int) -> list[Any]:
        """Draw values from the prior, within the active domain."""
        return draw_column(self.drawn, random_state, size)


class OneHotColumn(Column):
    """An unordered choice with one coordinate a choice; the largest one decides."""

    def __init__(self, domain: Categorical, active: Domain | None = None) -> None:
        self.domain: Categorical = domain
        self.drawn = domain if active is None else active
        self.size = len(domain.categories)
        self.bounds = [(0.0, 1.0)] * self.size
        if active is not None:
            members = active.members() or ()
            if not members or not all(domain.is_valid(value) for value in members):
                raise ConfigSpaceError(f"{active} is not a part of {domain}")
            inside = {domain.position(value) for value in members}
            self.bounds = [(0.0, 1.0 if i in inside else 0.0) for i in range(self.size)]

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Coordinates of n values: shape (n, size), a one in each row."""
        positions = [self.domain.position(value) for value in values]
        matrix = np.zeros((len(values), self.size))
        matrix[np.arange(len(values)), positions] = 1.0
        return matrix

    def decode(self, units: FloatArray) -> list[Any]:
        """Values of n rows of coordinates, shape (n, size)."""
        categories = self.domain.categories
        return [categories[i] for i in np.argmax(units, axis=1).tolist()]


def make_column(domain: Domain, active: Domain | None = None) -> Column:
    """The column of a hyperparameter.

    Args:
        domain: Its domain.
        active: Part of it that is drawn from, if not all.

    Raises:
        ConfigSpaceError: If it can't be encoded, or `active` is not a part of it.
    """
    domain.validate()
    if domain.is_function():
        raise ConfigSpaceError(
            f"{domain} can't be encoded; only random search draws from functions"
        )
    if type(domain).from_unit is Domain.from_unit or not draws_by_quantile(domain.get_sampler()):
        # A user's own domain or prior: its scale is unknown, so it can only be drawn.
        return _DrawnColumn(domain, active)
    unordered = isinstance(domain, Categorical) and not isinstance(domain, Ordinal)
    if unordered and domain.num_values() != 2:
        return OneHotColumn(domain, active)  # type: ignore[arg-type]
    return Column(domain, active)


class _DrawnColumn(Column):
    """A hyperparameter of a user's own kind, which can be drawn but not encoded."""

    def __init__(self, domain: Domain, active: Domain | None = None) -> None:
        self.domain = domain
        self.drawn = domain if active is None else active
        self.size = 1
        self.bounds = [(0.0, 1.0)]

    def encode(self, values: Sequence[Any]) -> FloatArray:
        """Refuse.

        Raises:
            ConfigSpaceError: Always.
        """
        del values
        raise ConfigSpaceError(f"{self.domain} has a prior of its own and can't be encoded")

    def decode(self, units: FloatArray) -> list[Any]:
        """Refuse (see `encode`)."""
        del units
        raise ConfigSpaceError(f"{self.domain} has a prior of its own and can't be decoded")


def draw_column(domain: Domain, random_state: RandomState, size: int) -> list[Any]:
    """Draw `size` values of a domain as a list."""
    if size == 0:
        return []
    values = domain.sample(size=size, random_state=random_state)
    return [values] if size == 1 else list(values)
