"""Drawing configurations in blocks, which costs a tenth of drawing them one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Domain, config_space_size
from synetune_lab.config_space.columns import draw_column
from synetune_lab.config_space.function import Function
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    from synetune_lab.config_space.keys import ConfigKeyer

__all__ = ["ConfigBlocks"]

Config = dict[str, Any]

BLOCK_SIZE = 256
# Spaces up to this size are counted out when drawing finds nothing new; larger ones are not.
_LARGEST_COUNTED = 2**20
_MAX_FRUITLESS_BLOCKS = 64


class ConfigBlocks:
    """Draws configurations from the prior, and skips those that a set of keys excludes.

    The same generator and the same calls give the same configurations. What is left of a block is
    part of the state, so that an object that was saved in the middle goes on the same way.

    Args:
        config_space: Configuration space.
        keyer: Makes the keys.

    Raises:
        ConfigSpaceError: If nothing can be drawn from a hyperparameter. The message names it.
    """

    def __init__(self, config_space: Mapping[str, Any], keyer: ConfigKeyer) -> None:
        self.keyer = keyer
        self._domains: dict[str, Domain] = {}
        self._functions: dict[str, Function] = {}
        for name in sorted(config_space):
            domain = config_space[name]
            if isinstance(domain, Function):
                self._functions[name] = domain
            elif isinstance(domain, Domain):
                _check_drawable(name, domain)
                self._domains[name] = domain
        self._constants = {k: v for k, v in config_space.items() if not isinstance(v, Domain)}
        self._names = list(self._domains)
        self._is_counted = not self._functions and config_space_size(
            self._domains, _LARGEST_COUNTED
        )
        # Rows of values with their keys, the next one last.
        self._block: list[tuple[tuple[Any, ...], bytes]] = []
        # What is excluded never comes back, so that this is final.
        self._is_exhausted = False

    def draw(
        self, random_state: np.random.RandomState, excluded: set[bytes]
    ) -> tuple[Config, bytes] | None:
        """Draw a configuration whose key is not excluded.

        Returns:
            The configuration and its key, or None if there is none left.
        """
        fruitless = 0
        while not self._is_exhausted:
            while self._block:
                row, key = self._block.pop()
                config = dict(zip(self._names, row))  # noqa: B905 - strict costs time, and holds
                if self._functions:
                    key = self._complete(config, random_state)
                if key not in excluded:
                    return config, key
            if fruitless and self._is_counted:
                return self._draw_from_rest(random_state, excluded)
            if fruitless > _MAX_FRUITLESS_BLOCKS:
                self._is_exhausted = True
                break
            fruitless += 1
            self._refill(random_state)
        return None

    def _refill(self, random_state: np.random.RandomState) -> None:
        columns = {
            name: draw_column(domain, random_state, BLOCK_SIZE)
            for name, domain in self._domains.items()
        }
        if self._functions:
            # Their values count too, and are known only when a configuration is complete.
            keys = [b""] * BLOCK_SIZE
        else:
            keys = self.keyer.column_keys(columns, BLOCK_SIZE)
        rows = list(zip(*columns.values(), strict=True)) if columns else [()] * BLOCK_SIZE
        self._block = list(zip(rows, keys, strict=True))
        self._block.reverse()

    def _complete(self, config: Config, random_state: np.random.RandomState) -> bytes:
        """Add the values of functions, and return the key."""
        for name, function in self._functions.items():
            spec = {**self._constants, **config}
            config[name] = function.sample(spec=spec, random_state=random_state)
        return self.keyer.key(config)

    def _draw_from_rest(
        self, random_state: np.random.RandomState, excluded: set[bytes]
    ) -> tuple[Config, bytes] | None:
        """Draw from a finite space by listing what is left of it."""
        members = {name: list(domain.members() or ()) for name, domain in self._domains.items()}
        shape = [len(values) for values in members.values()]
        size = int(np.prod(shape, dtype=np.int64))
        columns = {}
        if shape:
            positions = np.unravel_index(np.arange(size), shape)
            for (name, values), index in zip(members.items(), positions, strict=True):
                columns[name] = [values[i] for i in index.tolist()]
        keys = self.keyer.column_keys(columns, size)
        rest = [rank for rank, key in enumerate(keys) if key not in excluded]
        if not rest:
            self._is_exhausted = True
            return None
        chosen = random_state.permutation(rest)[:BLOCK_SIZE].tolist()
        rows = [tuple(column[rank] for column in columns.values()) for rank in chosen]
        self._block = [(row, keys[rank]) for row, rank in zip(rows, chosen, strict=True)]
        row, key = self._block.pop()
        return dict(zip(self._names, row, strict=True)), key


def _check_drawable(name: str, domain: Domain) -> None:
    try:
        domain.validate()
        if domain.is_grid():
            domain.sample()
    except ConfigSpaceError as error:
        raise ConfigSpaceError(f"{name}: {error}") from None
