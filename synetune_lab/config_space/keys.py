"""Hashable keys of configurations, to find equal ones fast.

A key holds one number a hyperparameter, in eight bytes each: numbers as themselves (reals rounded
to 36 significant bits, so that round-off does not tell configurations apart), other values by a
code book. A key depends on values only, not on domains, so that it stays right when the space is
edited.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from synetune_lab.config_space.arguments import KEY_BITS, round_to_key
from synetune_lab.config_space.domain import Domain
from synetune_lab.errors import InvalidConfigError

__all__ = ["ConfigKeyer"]

_SCALE = 2.0**KEY_BITS


class ConfigKeyer:
    """Makes keys of configurations of one space and its later versions.

    Args:
        config_space: Configuration space; constants do not count.
        skip: Hyperparameters that do not count either.
    """

    def __init__(self, config_space: Mapping[str, Any], skip: Iterable[str] = ()) -> None:
        left_out = set(skip)
        self.names: list[str] = sorted(
            name
            for name, entry in config_space.items()
            if isinstance(entry, Domain) and name not in left_out
        )
        self._constants: dict[str, Any] = {}
        self._codes: dict[str, float] = {}
        self._pack: Callable[..., bytes] = struct.Struct(f"{len(self.names)}d").pack

    def key(self, config: Mapping[str, Any]) -> bytes:
        """The key of a configuration.

        Raises:
            InvalidConfigError: If a hyperparameter is missing.
        """
        try:
            return self._pack(*[self._number(config[name]) for name in self.names])
        except KeyError:
            return self._pack(*[self._number(self._value(config, name)) for name in self.names])

    def column_keys(self, columns: Mapping[str, Sequence[Any]], size: int) -> list[bytes]:
        """Keys of many configurations, given as one list of `size` values a hyperparameter."""
        matrix = np.empty((size, len(self.names)))
        for position, name in enumerate(self.names):
            if name in columns:
                matrix[:, position] = self._numbers(columns[name])
            else:
                matrix[:, position] = self._number(self._value({}, name))
        width = 8 * len(self.names)
        if width == 0:
            return [b""] * size
        raw = matrix.tobytes()
        return [raw[begin : begin + width] for begin in range(0, width * size, width)]

    def edit(self, config_space: Mapping[str, Any], defaults: Mapping[str, Any]) -> bytes:
        """Go over to a new version of the space.

        Args:
            config_space: The new version. It has every hyperparameter of the old one, maybe fixed.
            defaults: Value that configurations of the old version have for each new
                hyperparameter.

        Returns:
            What to append to each key made before, so that it goes on to be right.
        """
        for name in self.names:
            entry = config_space.get(name)
            if not isinstance(entry, Domain):
                self._constants[name] = entry
        added = sorted(
            name
            for name, entry in config_space.items()
            if isinstance(entry, Domain) and name not in self.names
        )
        suffix = struct.pack(f"{len(added)}d", *[self._number(defaults[name]) for name in added])
        self.names = [*self.names, *added]
        self._pack = struct.Struct(f"{len(self.names)}d").pack
        return suffix

    def _value(self, config: Mapping[str, Any], name: str) -> Any:
        value = config.get(name, self._constants.get(name))
        if value is None:
            raise InvalidConfigError(f"{name}: missing in the configuration {dict(config)}")
        return value

    def _number(self, value: Any) -> float:
        if isinstance(value, float):
            return round_to_key(value) if math.isfinite(value) else value
        if isinstance(value, int):
            return float(value)
        if not isinstance(value, str):
            # Numpy's scalars know how to become Python's.
            item = getattr(value, "item", None)
            if item is not None:
                return self._number(item())
            value = repr(value)
        return self._codes.setdefault(value, float(len(self._codes)))

    def _numbers(self, values: Sequence[Any]) -> Any:
        kind = type(values[0]) if values else float
        if kind is float:
            mantissa, exponent = np.frexp(np.array(values))
            # Adding zero turns -0.0 into 0.0, which has other bytes.
            return np.ldexp(np.rint(mantissa * _SCALE), exponent - KEY_BITS) + 0.0
        if kind in (int, bool):
            return np.array(values, dtype=np.float64)
        return [self._number(value) for value in values]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_pack"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._pack = struct.Struct(f"{len(self.names)}d").pack
