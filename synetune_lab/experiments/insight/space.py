"""The hyperparameters that a model sees: how they are encoded, drawn, and walked along."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space.columns import Column, make_column
from synetune_lab.config_space.discrete import Categorical
from synetune_lab.config_space.number import Number
from synetune_lab.config_space.ranges import HyperparameterRanges
from synetune_lab.constants import CONFIG_COLUMN_PREFIX
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError
from synetune_lab.optimizer.schedulers.searchers.bayesopt.encoded_space import EncodedSpace

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.config_space import Domain

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Grid", "ModelledSpace", "covering_domain"]

_FEW_VALUES = 12


@dataclass(frozen=True)
class Grid:
    """Points along one hyperparameter.

    Attributes:
        name: The hyperparameter.
        values: Its values, shape (g,).
        encoded: Their coordinates, shape (g, size).
        is_category: Whether they are shown as categories.
        is_log: Whether they belong on a logarithmic axis.
    """

    name: str
    values: list[Any]
    encoded: FloatArray
    is_category: bool
    is_log: bool

    def __len__(self) -> int:
        return len(self.values)


class ModelledSpace:
    """Encodes configurations for a model.

    The space of a run may have been narrowed while it went on. What was seen outside still informs
    the model: the encoding covers both, and only the space as it is now is drawn from and shown.

    Args:
        now: Hyperparameters as they are now.
        covering: The same, as wide as the configurations that were seen.
    """

    def __init__(self, now: Mapping[str, Domain], covering: Mapping[str, Domain]) -> None:
        self.domains = dict(now)
        active = {name: domain for name, domain in now.items() if covering[name] != domain}
        self.ranges = HyperparameterRanges(covering, active_config_space=active)
        self.encoded = EncodedSpace(self.ranges)
        self._covering = dict(covering)

    @property
    def names(self) -> list[str]:
        """The hyperparameters in the order of the space."""
        return list(self.domains)

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        return self.encoded.dimension

    def block(self, name: str) -> slice:
        """The coordinates of a hyperparameter."""
        return slice(*self.ranges.encoded_ranges[name])

    def check(self, names: Sequence[str]) -> None:
        """Refuse names of no hyperparameter.

        Raises:
            ConfigSpaceError: If there is one.
        """
        for name in names:
            if name not in self.domains:
                raise ConfigSpaceError(
                    f"{name!r} must be a hyperparameter of the model, one of {self.names}"
                )

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> FloatArray:
        """Coordinates of n configurations: shape (n, d)."""
        return self.ranges.to_ndarray_matrix(configs)

    def complete(self, config: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration of the model's hyperparameters.

        Args:
            config: Values by name, with or without `config_` before it. Constants are left out.
            default: Values of hyperparameters that it lacks.

        Raises:
            InvalidConfigError: If a value is none of its domain, nor of those seen.
        """
        complete = {}
        for name, domain in self._covering.items():
            value = config.get(name, config.get(CONFIG_COLUMN_PREFIX + name, default.get(name)))
            found = value_in(domain, value)
            if found is None:
                raise InvalidConfigError(f"{name}={value!r} must be a value of {domain}")
            complete[name] = found
        return complete

    def quasi_random(self, num: int, columns: int, seed: int) -> list[FloatArray]:
        """Independent draws from the prior that fill the space evenly.

        Args:
            num: Number of points of each, a power of two.
            columns: How many draws.
            seed: Of the scrambling.

        Returns:
            `columns` arrays of encoded configurations, shape (num, d) each.
        """
        from scipy.stats import qmc

        size = self.dimension
        points = qmc.Sobol(size * columns, scramble=True, seed=seed).random(num)
        width = self.encoded.upper - self.encoded.lower
        return [
            self.encoded.round(self.encoded.lower + width * points[:, i * size : (i + 1) * size])
            for i in range(columns)
        ]

    def is_category(self, name: str) -> bool:
        """Whether values are shown as categories: choices, or few numbers out of a list."""
        domain = self.domains[name]
        if not isinstance(domain, Categorical):
            return False
        is_scaled = domain.value_type in (int, float) and domain.scale == "log"
        return not (is_scaled and domain.num_values() > _FEW_VALUES)

    def grid(self, name: str, num: int) -> Grid:
        """Up to `num` points along a hyperparameter, evenly on its own scale; all of a choice."""
        domain = self.domains[name]
        block = self.block(name)
        column = self._column(name)
        members = domain.members() if (domain.num_values() or num + 1) <= num else None
        if isinstance(domain, Categorical) and self.is_category(name):
            members = domain.members()
        if members is not None:
            values = list(members)
        else:
            low, high = self.encoded.lower[block][0], self.encoded.upper[block][0]
            values = column.decode(np.linspace(low, high, num)[:, None])
            values = list(dict.fromkeys(values))
        is_log = domain.scale == "log" and not self.is_category(name)
        return Grid(name, values, column.encode(values), self.is_category(name), is_log)

    def _column(self, name: str) -> Column:
        active = self.ranges.active_config_space.get(name)
        return make_column(self._covering[name], active)


def value_in(domain: Domain, value: Any) -> Any:
    """A recorded value as one of a domain; None if it is none."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value != value:
        return None
    if not isinstance(domain, Categorical) and domain.is_valid(value):
        return value
    try:
        value = domain.cast(value)
    except InvalidConfigError:
        return None
    return value if domain.is_valid(value) else None


def covering_domain(domain: Domain, values: Sequence[Any]) -> Domain:
    """A domain like another one that has recorded values as well, as far as that can be."""
    try:
        if isinstance(domain, Number):
            return _covering_number(domain, values)
        if isinstance(domain, Categorical) and type(domain) is Categorical:
            known = [value for value in dict.fromkeys(values) if _is_of(domain, value)]
            others = [value for value in known if not domain.is_valid(value)]
            return Categorical([*domain.categories, *others]) if others else domain
    except ConfigSpaceError:
        pass
    return domain


def _is_of(domain: Domain, value: Any) -> bool:
    return type(value) is domain.value_type and value == value


def _covering_number(domain: Number, values: Sequence[Any]) -> Domain:
    numbers = [value for value in values if isinstance(value, (int, float)) and value == value]
    if not numbers:
        return domain
    lower, upper = min(numbers), max(numbers)
    if lower >= domain.lower and upper <= domain.upper:
        return domain
    kind: Any = type(domain)
    cast = domain.value_type
    wider: Domain = kind(cast(min(lower, domain.lower)), cast(max(upper, domain.upper)))
    wider.set_sampler(copy.copy(domain.get_sampler()), allow_override=True)
    wider.validate()
    make_column(wider, domain)  # refuses what is no neat part
    return wider
