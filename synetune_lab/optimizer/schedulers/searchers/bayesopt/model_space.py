"""The space of a model: what is encoded, and the part of it that is drawn from.

When a run's space is edited, the model keeps what it knows: its space covers the old and the new
one, and only the new one is searched.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from synetune_lab.config_space import Domain
from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.config_space.number import Number
from synetune_lab.config_space.ranges import HyperparameterRanges
from synetune_lab.config_space.restrict import restrict_domain
from synetune_lab.errors import ConfigSpaceError

__all__ = ["ModelSpace"]

Config = dict[str, Any]


class ModelSpace:
    """Encodes configurations for a model, through all edits of the space.

    Args:
        config_space: Configuration space.
        active: Narrower domains that new configurations are drawn from, if not all.
        fixed: Values that new configurations have in any case, by name.
        prefix_keys: Hyperparameters whose coordinates come first.

    Attributes:
        ranges: The encoding.

    Raises:
        ConfigSpaceError: If a hyperparameter can't be encoded.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        active: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        prefix_keys: list[str] | None = None,
    ) -> None:
        self._domains = {k: v for k, v in config_space.items() if isinstance(v, Domain)}
        self._active = dict(active or {})
        self._always_fixed = dict(fixed or {})
        self._prefix_keys = prefix_keys
        self._defaults: dict[str, Any] = {}
        self.fixed = dict(self._always_fixed)
        self.ranges = self._make(self._domains, self._active, self.fixed)

    def _make(
        self, domains: Mapping[str, Any], active: Mapping[str, Any], fixed: Mapping[str, Any]
    ) -> HyperparameterRanges:
        single = {name: _single(domains[name], value) for name, value in fixed.items()}
        return HyperparameterRanges(
            domains, active_config_space={**active, **single}, prefix_keys=self._prefix_keys
        )

    def edit(self, config_space: Mapping[str, Any], defaults: Mapping[str, Any]) -> ModelSpace:
        """The model's space after an edit; this one does not change.

        Args:
            config_space: The whole new space.
            defaults: Values that earlier trials have for new hyperparameters.
        """
        other = copy.copy(self)
        other._defaults = {**self._defaults, **defaults}
        domains: dict[str, Any] = {}
        active: dict[str, Any] = dict(self._active)
        fixed = dict(self._always_fixed)
        for name, old in self._domains.items():
            new = config_space.get(name)
            if isinstance(new, Domain):
                hull = _hull(old, new)
                domains[name] = hull
                if hull != new:
                    active[name] = new
                else:
                    active.pop(name, None)
            else:
                # Fixed to a value now: what was seen elsewhere still informs the model.
                domains[name] = old if old.is_valid(new) else _hull_of_value(old, new)
                active.pop(name, None)
                fixed[name] = old.cast(new)
        for name, new in config_space.items():
            if name not in domains and isinstance(new, Domain):
                domains[name] = new
        try:
            other.ranges = other._make(domains, active, fixed)
            other.fixed = fixed
        except ConfigSpaceError:
            # The new domain is not a neat part of the covering one: search it as it is.
            domains = {k: v for k, v in config_space.items() if isinstance(v, Domain)}
            other.ranges = other._make(domains, {}, self._always_fixed)
            other.fixed = dict(self._always_fixed)
        other._domains = domains
        return other

    def complete(self, config: Mapping[str, Any]) -> Config | None:
        """A trial's configuration with all that the model encodes; None if it can't be encoded."""
        own: Config = {}
        for name, domain in self._domains.items():
            value = config.get(name, self._defaults.get(name, self.fixed.get(name)))
            if value is None or not domain.is_valid(value):
                return None
            own[name] = domain.cast(value)
        return own

    def is_searched(self, config: Mapping[str, Any]) -> bool:
        """Whether a completed configuration is in the part that is drawn from."""
        active = self.ranges.active_config_space
        return all(
            name not in active or active[name].is_valid(config[name]) for name in self._domains
        )

    def without_fixed(self, config: Config) -> Config:
        """A drawn configuration without what edits have fixed, which the run's space has itself."""
        dropped = set(self.fixed) - set(self._always_fixed)
        return {name: value for name, value in config.items() if name not in dropped}


def _hull(old: Domain, new: Domain) -> Domain:
    """A domain like the new one that has the old one's values as well, where that can be."""
    if old == new:
        return new
    if isinstance(old, Number) and isinstance(new, Number) and type(old) is type(new):
        return _with_bounds(new, min(old.lower, new.lower), max(old.upper, new.upper))
    if _is_unordered(old) and _is_unordered(new):
        before, after = list(old.members() or ()), list(new.members() or ())
        # What was there keeps its place, so that coordinates stay.
        return Categorical([*before, *(value for value in after if value not in before)])
    return new


def _hull_of_value(domain: Domain, value: Any) -> Domain:
    if isinstance(domain, Number):
        return _with_bounds(domain, min(domain.lower, value), max(domain.upper, value))
    if _is_unordered(domain):
        return Categorical([*(domain.members() or ()), value])
    return domain


def _single(domain: Domain, value: Any) -> Domain:
    """A domain like another one, of one value."""
    if domain.value_type in (int, float) and not _is_unordered(domain):
        return restrict_domain(domain, value, value)
    return type(domain)([value])  # type: ignore[call-arg]


def _with_bounds(domain: Number, lower: float, upper: float) -> Domain:
    try:
        made: Domain = type(domain)(lower, upper)  # type: ignore[call-arg]
        made.set_sampler(domain.get_sampler(), allow_override=True)
        made.validate()
    except ConfigSpaceError:
        return domain  # as zero on a logarithmic scale
    return made


def _is_unordered(domain: Domain) -> bool:
    return isinstance(domain, Categorical) and not isinstance(domain, Ordinal)
