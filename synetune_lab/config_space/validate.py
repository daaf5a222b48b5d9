"""Checks of whole configuration spaces and configurations, by the names of their entries."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.json_form import from_dict, is_domain_json
from synetune_lab.constants import ST_INSTANCE_COUNT, ST_INSTANCE_TYPE
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError

__all__ = ["validate_config", "validate_config_space", "validate_space_json"]

# Entries by which a trial chooses the machines that it runs on, in a cloud.
_CHOOSES_INSTANCES = (ST_INSTANCE_TYPE, ST_INSTANCE_COUNT)
_CONSTANTS = (str, bool, int, float, type(None), list, tuple, dict)


def validate_config_space(config_space: Any) -> None:
    """Check a configuration space.

    Args:
        config_space: Dictionary from names to domains or constants.

    Raises:
        ConfigSpaceError: If it is not one, is empty, or an entry is not possible. The message
            begins with the name of the entry.
    """
    if not isinstance(config_space, Mapping):
        raise ConfigSpaceError(
            f"config_space must be a dictionary from names to domains or constants, got "
            f"{type(config_space).__name__}"
        )
    if not config_space:
        raise ConfigSpaceError("config_space is empty: it needs at least one entry")
    for name, entry in config_space.items():
        message = _entry_error(name, entry)
        if message is not None:
            raise ConfigSpaceError(f"{name}: {message}")


def validate_config(config: Any, config_space: Mapping[str, Any], *, partial: bool = False) -> None:
    """Check that a configuration belongs to a configuration space.

    Entries for constants of the space are allowed if they have the constant's value.

    Args:
        config: Configuration.
        config_space: Configuration space.
        partial: Whether hyperparameters may be missing.

    Raises:
        InvalidConfigError: If a hyperparameter is unknown, missing or outside its domain. The
            message begins with its name.
    """
    if not isinstance(config, Mapping):
        raise InvalidConfigError(
            f"a configuration must be a dictionary, got {type(config).__name__}"
        )
    for name, value in config.items():
        if name not in config_space:
            raise InvalidConfigError(f"{name}: {_unknown(name, config_space)}")
        entry = config_space[name]
        if isinstance(entry, Domain):
            if not _fits(value, entry):
                raise InvalidConfigError(f"{name}: {value!r} is not a value of {entry}")
        elif value != entry:
            raise InvalidConfigError(f"{name}: {value!r} differs from the constant {entry!r}")
    if not partial:
        for name, entry in config_space.items():
            if isinstance(entry, Domain) and name not in config:
                raise InvalidConfigError(f"{name}: missing, a value of {entry} is needed")


def validate_space_json(space: Any) -> dict[str, str]:
    """Check each entry of a configuration space in its JSON form.

    Args:
        space: Object from names to domains in JSON or constants, as an editor sends it.

    Returns:
        Message for each entry that is not possible; empty if all are. A message on the whole has
        the empty name.
    """
    if not isinstance(space, Mapping):
        return {"": f"must be an object from names to domains or constants, got {space!r}"}
    if not space:
        return {"": "must have at least one entry"}
    errors = {}
    for name, entry in space.items():
        try:
            value = from_dict(entry) if is_domain_json(entry) else entry
        except ConfigSpaceError as error:
            errors[str(name)] = str(error)
            continue
        message = _entry_error(name, value)
        if message is not None:
            errors[str(name)] = message
    return errors


def _entry_error(name: Any, entry: Any) -> str | None:
    if not isinstance(name, str) or not name:
        return f"the name {name!r} must be a text that is not empty"
    if name.startswith("st_") and name not in _CHOOSES_INSTANCES:
        return "names that begin with 'st_' are reserved"
    if isinstance(entry, Domain):
        try:
            entry.validate()
        except ConfigSpaceError as error:
            return str(error)
        return None
    if isinstance(entry, type) or callable(entry):
        return f"{entry!r} is neither a domain nor a constant; sample_from(...) takes functions"
    if isinstance(entry, float) and not math.isfinite(entry):
        return f"the constant {entry!r} must be finite"
    if isinstance(entry, _CONSTANTS) or hasattr(entry, "item"):
        return None
    return f"{entry!r} is neither a domain nor a constant (text, number, list or dictionary)"


def _fits(value: Any, domain: Domain) -> bool:
    if domain.is_valid(value):
        return True
    # A whole number may have become a float on its way through JSON or a data frame.
    if domain.value_type is int and isinstance(value, float) and value.is_integer():
        return domain.is_valid(int(value))
    return False


def _unknown(name: str, config_space: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(str(name), list(config_space), n=1)
    hint = f"; do you mean {near[0]!r}?" if near else f"; known are {', '.join(config_space)}"
    return f"not in the configuration space{hint}"
