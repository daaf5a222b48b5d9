"""Configurations as vectors of the unit cube, and back.

Each hyperparameter takes one coordinate, or one a choice if it is an unordered choice of more than
two (one-hot). Encoding is done on whole columns. Shapes: n configurations, d coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space.columns import Column, make_column
from synetune_lab.config_space.domain import Domain
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    RandomState = np.random.Generator | np.random.RandomState

__all__ = ["HyperparameterRanges", "make_hyperparameter_ranges"]

Config = dict[str, Any]


class HyperparameterRanges:
    """Encodes configurations as vectors of [0, 1]^d, and draws configurations.

    Two laws hold: `from_ndarray(to_ndarray(config))` is `config`, and `from_ndarray` of a vector
    drawn uniformly from the unit cube is a draw from the prior.

    Args:
        config_space: Configuration space; its constants are left out.
        name_last_pos: Hyperparameter whose coordinate comes last, as the resource of a model.
        value_for_last_pos: If given with `name_last_pos`, drawn configurations have this value
            there, and `get_ndarray_bounds` fixes the coordinate.
        active_config_space: Some of the hyperparameters with smaller domains. Draws and bounds keep
            to them, the encoding does not change. For models that also hold data from outside.
        prefix_keys: Hyperparameters whose coordinates come first, in this order. The others are
            ordered by name.

    Raises:
        ConfigSpaceError: If there is no hyperparameter, one can't be encoded, a name is unknown, or
            an active domain is not a part of its domain.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        name_last_pos: str | None = None,
        value_for_last_pos: Any = None,
        active_config_space: Mapping[str, Any] | None = None,
        prefix_keys: Sequence[str] | None = None,
    ) -> None:
        self.config_space: dict[str, Domain] = {
            name: entry for name, entry in config_space.items() if isinstance(entry, Domain)
        }
        self.name_last_pos = name_last_pos
        self.value_for_last_pos = value_for_last_pos
        self.active_config_space: dict[str, Domain] = {
            name: entry
            for name, entry in (active_config_space or {}).items()
            if isinstance(entry, Domain)
        }
        self._keys = self._order_keys(list(prefix_keys or ()))
        self._columns: list[Column] = [self._make_column(key) for key in self._keys]
        ends = np.cumsum([column.size for column in self._columns]).tolist()
        self._slices = [
            (end - column.size, end) for column, end in zip(self._columns, ends, strict=True)
        ]

    def _order_keys(self, prefix: list[str]) -> list[str]:
        last = [] if self.name_last_pos is None else [self.name_last_pos]
        for what, names in (
            ("prefix_keys", prefix),
            ("name_last_pos", last),
            ("active_config_space", list(self.active_config_space)),
        ):
            for name in names:
                if name not in self.config_space:
                    raise ConfigSpaceError(f"{what}: {name!r} is no hyperparameter of the space")
        if set(prefix) & set(last) or len(set(prefix)) < len(prefix):
            raise ConfigSpaceError("prefix_keys and name_last_pos: a name is given twice")
        rest = sorted(set(self.config_space) - set(prefix) - set(last))
        return [*prefix, *rest, *last]

    def _make_column(self, key: str) -> Column:
        try:
            return make_column(self.config_space[key], self.active_config_space.get(key))
        except ConfigSpaceError as error:
            raise ConfigSpaceError(f"{key}: {error}") from None

    # Names and shapes

    @property
    def internal_keys(self) -> list[str]:
        """Names of the hyperparameters in the order of their coordinates."""
        return list(self._keys)

    @property
    def config_space_for_sampling(self) -> dict[str, Domain]:
        """The space that configurations are drawn from: active domains where given."""
        return {**self.config_space, **self.active_config_space}

    @property
    def ndarray_size(self) -> int:
        """Number of coordinates d."""
        return self._slices[-1][1] if self._slices else 0

    @property
    def encoded_ranges(self) -> dict[str, tuple[int, int]]:
        """First coordinate and the one after the last, for each hyperparameter."""
        return dict(zip(self._keys, self._slices, strict=True))

    def is_attribute_fixed(self) -> bool:
        """Whether the last coordinate is fixed to `value_for_last_pos`."""
        return self.name_last_pos is not None and self.value_for_last_pos is not None

    def get_ndarray_bounds(self) -> list[tuple[float, float]]:
        """Lower and upper bound of each coordinate: [0, 1], or less for active domains."""
        bounds: list[tuple[float, float]] = []
        for key, column in zip(self._keys, self._columns, strict=True):
            if self.is_attribute_fixed() and key == self.name_last_pos:
                fixed = column.encode([self.value_for_last_pos])[0]
                bounds.extend((float(x), float(x)) for x in fixed)
            else:
                bounds.extend(column.bounds)
        return bounds

    # Encoding

    def to_ndarray(self, config: Mapping[str, Any]) -> FloatArray:
        """Encode one configuration: shape (d,)."""
        vector: FloatArray = self.to_ndarray_matrix([config])[0]
        return vector

    def to_ndarray_matrix(self, configs: Iterable[Mapping[str, Any]]) -> FloatArray:
        """Encode n configurations: shape (n, d)."""
        rows = list(configs)
        matrix = np.empty((len(rows), self.ndarray_size))
        for key, column, (begin, end) in zip(self._keys, self._columns, self._slices, strict=True):
            matrix[:, begin:end] = column.encode([config[key] for config in rows])
        return matrix

    def from_ndarray(self, enc_config: FloatArray) -> Config:
        """Decode one vector of [0, 1]^d; any such vector stands for a configuration."""
        return self.from_ndarray_matrix(np.asarray(enc_config).reshape(1, -1))[0]

    def from_ndarray_matrix(self, matrix: FloatArray) -> list[Config]:
        """Decode vectors, shape (n, d), to n configurations."""
        matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != self.ndarray_size:
            raise ConfigSpaceError(
                f"an encoded matrix must have shape (n, {self.ndarray_size}), got {matrix.shape}"
            )
        columns = [
            column.decode(matrix[:, begin:end])
            for column, (begin, end) in zip(self._columns, self._slices, strict=True)
        ]
        return self._rows(columns)

    # Drawing

    def random_config(self, random_state: RandomState) -> Config:
        """Draw one configuration from the prior."""
        return self.random_configs(random_state, 1)[0]

    def random_configs(self, random_state: RandomState, num_configs: int) -> list[Config]:
        """Draw configurations from the prior, independent of each other."""
        return self._rows(self.random_columns(random_state, num_configs))

    def random_columns(self, random_state: RandomState, num_configs: int) -> list[list[Any]]:
        """Draw configurations as one list of values a hyperparameter, in `internal_keys` order."""
        columns = [column.draw(random_state, num_configs) for column in self._columns]
        if self.is_attribute_fixed() and columns:
            columns[-1] = [self.value_for_last_pos] * num_configs
        return columns

    def _rows(self, columns: list[list[Any]]) -> list[Config]:
        keys = self._keys
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]

    # Comparing

    def filter_for_last_pos_value(self, configs: Sequence[Config]) -> list[Config]:
        """The configurations whose last attribute has the fixed value; all if none is fixed."""
        if not self.is_attribute_fixed() or self.name_last_pos is None:
            return list(configs)
        name = self.name_last_pos
        return [config for config in configs if config[name] == self.value_for_last_pos]

    def config_to_tuple(
        self, config: Mapping[str, Any], keys: Sequence[str] | None = None, skip_last: bool = False
    ) -> tuple[Any, ...]:
        """Values of a configuration in order.

        Args:
            config: Configuration.
            keys: Names to take; None takes `internal_keys`.
            skip_last: Whether to leave out `name_last_pos`.
        """
        return tuple(config[key] for key in self._compared_keys(keys, skip_last))

    def tuple_to_config(
        self, config_tpl: Sequence[Any], keys: Sequence[str] | None = None, skip_last: bool = False
    ) -> Config:
        """Reverse of `config_to_tuple`."""
        return dict(zip(self._compared_keys(keys, skip_last), config_tpl, strict=True))

    def config_to_match_string(
        self, config: Mapping[str, Any], keys: Sequence[str] | None = None, skip_last: bool = False
    ) -> str:
        """A text that equal configurations share (see `config_to_tuple` for the arguments)."""
        return ",".join(
            f"{key}:{self.config_space[key].match_string(config[key])}"
            for key in self._compared_keys(keys, skip_last)
        )

    def _compared_keys(self, keys: Sequence[str] | None, skip_last: bool) -> Sequence[str]:
        if keys is None:
            keys = self._keys
        if skip_last and self.name_last_pos is not None:
            keys = [key for key in keys if key != self.name_last_pos]
        return keys


def make_hyperparameter_ranges(
    config_space: Mapping[str, Any],
    name_last_pos: str | None = None,
    value_for_last_pos: Any = None,
    active_config_space: Mapping[str, Any] | None = None,
    prefix_keys: Sequence[str] | None = None,
) -> HyperparameterRanges:
    """The default encoding of a configuration space (see `HyperparameterRanges`)."""
    return HyperparameterRanges(
        config_space, name_last_pos, value_for_last_pos, active_config_space, prefix_keys
    )
