"""What a new version of a configuration space changes, and which changes a run can't take.

Trials keep the version that they were drawn from. A change is refused only where trials of the old
version would have no value for a hyperparameter of the new one, or a value of another type.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synetune_lab.config_space.discrete import Categorical
from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.json_form import to_dict
from synetune_lab.config_space.validate import validate_config_space
from synetune_lab.errors import InvalidConfigError

__all__ = ["EntryChange", "SpaceDiff", "count_outside", "diff_config_spaces"]


@dataclass(frozen=True)
class EntryChange:
    """What happens to one entry of the space.

    Attributes:
        name: Name of the entry.
        kinds: One or more of `narrowed`, `widened`, `choices_added`, `choices_removed`,
            `values_changed` (another step or number of values), `scale_changed`, `type_changed`,
            `fixed` (to a value), `freed` (a constant becomes a hyperparameter),
            `constant_changed`, `added`, `removed`.
        allowed: Whether a run can take it.
        message: One sentence for the user: what changes, or why it is refused.
        old: Domain or constant before, None if the entry is new.
        new: Domain or constant after, None if the entry is removed.
    """

    name: str
    kinds: tuple[str, ...]
    allowed: bool
    message: str
    old: Any = None
    new: Any = None

    def to_json(self) -> dict[str, Any]:
        """The change as JSON, domains in their JSON form."""
        return {
            "name": self.name,
            "kinds": list(self.kinds),
            "allowed": self.allowed,
            "message": self.message,
            "old": to_dict(self.old) if isinstance(self.old, Domain) else self.old,
            "new": to_dict(self.new) if isinstance(self.new, Domain) else self.new,
        }


@dataclass(frozen=True)
class SpaceDiff:
    """All changes between two versions of a space; entries that stay the same are left out.

    Attributes:
        entries: The changes, in the order of the new space, removed entries last.
        defaults: For entries that became hyperparameters, the value that trials of the old
            version count as having.
        space: The new space.
    """

    entries: tuple[EntryChange, ...]
    defaults: Mapping[str, Any]
    space: Mapping[str, Any]

    @property
    def allowed(self) -> bool:
        """Whether a run can take all changes."""
        return all(entry.allowed for entry in self.entries)

    @property
    def refused(self) -> tuple[EntryChange, ...]:
        """The changes that a run can't take."""
        return tuple(entry for entry in self.entries if not entry.allowed)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.entries

    @property
    def fixed(self) -> dict[str, Any]:
        """Hyperparameters that are fixed now, with their values."""
        return {entry.name: entry.new for entry in self.entries if "fixed" in entry.kinds}

    def count_outside(self, configs: Iterable[Mapping[str, Any]]) -> int:
        """How many configurations of the old version the new one does not have."""
        return count_outside(
            ({**self.defaults, **config} for config in configs), self.space, self.fixed
        )

    def to_json(self) -> dict[str, Any]:
        """The changes as JSON: `allowed`, and `entries` (see `EntryChange`)."""
        return {"allowed": self.allowed, "entries": [entry.to_json() for entry in self.entries]}


def diff_config_spaces(
    old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> SpaceDiff:
    """Compare two versions of a configuration space.

    Args:
        old: The version in use.
        new: The whole new version.
        defaults: For hyperparameters that the old version lacks, the value that its trials had in
            effect. A hyperparameter added without one is refused. A constant that becomes a
            hyperparameter needs none: its value is the default.

    Raises:
        ConfigSpaceError: If the new space is not possible in itself.
    """
    validate_config_space(new)
    given = dict(defaults or {})
    taken: dict[str, Any] = {}
    entries = []
    for name, entry in new.items():
        if name not in old:
            entries.append(_added(name, entry, given, taken))
            continue
        change = _changed(name, old[name], entry, taken)
        if change is not None:
            entries.append(change)
    entries.extend(_removed(name, entry) for name, entry in old.items() if name not in new)
    return SpaceDiff(tuple(entries), taken, dict(new))


def count_outside(
    configs: Iterable[Mapping[str, Any]],
    space: Mapping[str, Any],
    fixed: Mapping[str, Any] | None = None,
) -> int:
    """How many configurations have a hyperparameter that is missing or outside its domain.

    Args:
        configs: Configurations.
        space: Configuration space. Its constants are not compared: schedulers vary some of them,
            as the maximum resource of a trial.
        fixed: Hyperparameters that have been fixed, whose values are compared.
    """
    domains = [(name, entry) for name, entry in space.items() if isinstance(entry, Domain)]
    constants = list((fixed or {}).items())
    outside = 0
    for config in configs:
        inside = all(name in config and domain.is_valid(config[name]) for name, domain in domains)
        inside = inside and all(config.get(name, value) == value for name, value in constants)
        outside += not inside
    return outside


def _added(name: str, entry: Any, given: Mapping[str, Any], taken: dict[str, Any]) -> EntryChange:
    if not isinstance(entry, Domain):
        return EntryChange(name, ("added",), True, f"new constant {entry!r}", new=entry)
    if name not in given:
        message = (
            "a new hyperparameter needs the value that earlier trials had in effect as a default; "
            "or add it as a constant first"
        )
        return EntryChange(name, ("added",), False, message, new=entry)
    problem = _not_castable(given[name], entry)
    if problem is not None:
        return EntryChange(name, ("added",), False, f"its default {problem}", new=entry)
    taken[name] = given[name]
    message = f"new hyperparameter {entry}; earlier trials count as {given[name]!r}"
    return EntryChange(name, ("added",), True, message, new=entry)


def _removed(name: str, entry: Any) -> EntryChange:
    if isinstance(entry, Domain):
        message = "a hyperparameter can't be removed; fix it to a value instead"
        return EntryChange(name, ("removed",), False, message, old=entry)
    return EntryChange(name, ("removed",), True, f"constant {entry!r} removed", old=entry)


def _changed(name: str, old: Any, new: Any, taken: dict[str, Any]) -> EntryChange | None:
    if isinstance(old, Domain) and isinstance(new, Domain):
        return None if old == new else _domain_change(name, old, new)
    if isinstance(old, Domain):
        return _fixed(name, old, new)
    if isinstance(new, Domain):
        return _freed(name, old, new, taken)
    if old == new and type(old) is type(new):
        return None
    message = f"constant changed from {old!r} to {new!r}"
    return EntryChange(name, ("constant_changed",), True, message, old, new)


def _fixed(name: str, old: Domain, new: Any) -> EntryChange:
    problem = _not_castable(new, old)
    if problem is not None:
        return EntryChange(name, ("fixed", "type_changed"), False, problem, old, new)
    return EntryChange(name, ("fixed",), True, f"fixed to {new!r}", old, new)


def _freed(name: str, old: Any, new: Domain, taken: dict[str, Any]) -> EntryChange:
    problem = _not_castable(old, new)
    if problem is not None:
        return EntryChange(name, ("freed", "type_changed"), False, problem, old, new)
    taken[name] = old
    message = f"becomes a hyperparameter {new}; earlier trials have {old!r}"
    return EntryChange(name, ("freed",), True, message, old, new)


def _domain_change(name: str, old: Domain, new: Domain) -> EntryChange:
    if old.is_function() or new.is_function():
        return EntryChange(name, ("values_changed",), True, f"from {old} to {new}", old, new)
    if _is_numeric(old) != _is_numeric(new) or (bool in (old.value_type, new.value_type)) != (
        old.value_type is new.value_type is bool
    ):
        message = f"values of {old} and {new} are of different types"
        return EntryChange(name, ("type_changed",), False, message, old, new)
    kinds = _choice_kinds(old, new) if _lists_values(old, new) else _range_kinds(old, new)
    if old.scale != new.scale:
        kinds.append("scale_changed")
    if old.value_type is not new.value_type:
        kinds.append("type_changed")
    if not kinds:
        kinds.append("values_changed")
    return EntryChange(name, tuple(kinds), True, f"from {old} to {new}", old, new)


def _choice_kinds(old: Domain, new: Domain) -> list[str]:
    before, after = list(old.members() or ()), list(new.members() or ())
    kinds = []
    if any(value not in before for value in after):
        kinds.append("choices_added")
    if any(value not in after for value in before):
        kinds.append("choices_removed")
    return kinds


def _range_kinds(old: Domain, new: Domain) -> list[str]:
    (old_low, old_high), (new_low, new_high) = _bounds(old), _bounds(new)
    kinds = []
    if new_low > old_low or new_high < old_high:
        kinds.append("narrowed")
    if new_low < old_low or new_high > old_high:
        kinds.append("widened")
    # Where bounds stay, a different number of values means another step.
    if not kinds and old.num_values() != new.num_values():
        kinds.append("values_changed")
    return kinds


def _bounds(domain: Domain) -> tuple[float, float]:
    low, high = getattr(domain, "lower", None), getattr(domain, "upper", None)
    if low is None or high is None:
        values = domain.members() or (math.nan,)
        return min(values), max(values)
    return low, high


def _lists_values(old: Domain, new: Domain) -> bool:
    return isinstance(old, Categorical) and isinstance(new, Categorical)


def _is_numeric(domain: Domain) -> bool:
    return domain.value_type in (int, float)


def _not_castable(value: Any, domain: Domain) -> str | None:
    """Why a constant is no value that the domain's type could have, or None if it is."""
    if domain.is_function():
        return None
    if isinstance(value, Domain):
        return f"{value} is a domain"
    numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds_differ = (
        numeric != _is_numeric(domain)
        or isinstance(value, bool) != (domain.value_type is bool)
        or not isinstance(value, (str, int, float))
    )
    if kinds_differ:
        return f"{value!r} is not of the type of {domain}"
    try:
        domain.cast(value)
    except InvalidConfigError as error:
        return str(error)
    return None
