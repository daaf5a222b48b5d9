"""A list of configurations that are not to be suggested."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import config_space_size
from synetune_lab.config_space.keys import ConfigKeyer

if TYPE_CHECKING:
    from synetune_lab.config_space.ranges import HyperparameterRanges

__all__ = ["ExclusionList"]


class ExclusionList:
    """Configurations that are not to be suggested, found by their keys.

    The resource attribute of `hp_ranges` (its `name_last_pos`) does not count: configurations may
    have it or not.

    Args:
        hp_ranges: Ranges of the configurations.
        configurations: Configurations to begin with.
    """

    def __init__(
        self,
        hp_ranges: HyperparameterRanges,
        configurations: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        last = hp_ranges.name_last_pos
        skip = () if last is None else (last,)
        space = hp_ranges.config_space_for_sampling
        self._keyer = ConfigKeyer(space, skip)
        self._size = config_space_size({k: v for k, v in space.items() if k not in skip})
        self._keys: set[bytes] = {self._keyer.key(config) for config in configurations or ()}

    def contains(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration is on the list."""
        return self._keyer.key(config) in self._keys

    def add(self, config: Mapping[str, Any]) -> None:
        """Put a configuration on the list."""
        self._keys.add(self._keyer.key(config))

    def copy(self) -> ExclusionList:
        """A list of its own with the same configurations."""
        other = copy.copy(self)
        other._keys = set(self._keys)
        other._keyer = copy.deepcopy(self._keyer)
        return other

    def __len__(self) -> int:
        return len(self._keys)

    def config_space_exhausted(self) -> bool:
        """Whether the space is finite and every configuration of it is on the list."""
        return self._size is not None and len(self._keys) >= self._size

    def get_state(self) -> dict[str, Any]:
        """The list as something that can be pickled."""
        return {"keys": set(self._keys), "keyer": copy.deepcopy(self._keyer)}

    def clone_from_state(self, state: Mapping[str, Any]) -> None:
        """Replace the list by the one that `get_state` returned."""
        self._keys = set(state["keys"])
        self._keyer = copy.deepcopy(state["keyer"])
