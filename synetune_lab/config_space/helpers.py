"""Questions about a whole configuration space, and its arguments on a command line."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.finite_range import FiniteRange
from synetune_lab.config_space.nearest import OrdinalNearestNeighbor
from synetune_lab.errors import InvalidConfigError

__all__ = [
    "add_to_argparse",
    "cast_config_values",
    "config_space_size",
    "config_to_match_string",
    "constant_entries",
    "is_log_space",
    "is_reverse_log_space",
    "is_uniform_space",
    "non_constant_hyperparameter_keys",
    "remove_constant_and_cast",
]


def is_log_space(domain: Domain) -> bool:
    """Whether the domain is encoded on a log scale."""
    return domain.scale == "log"


def is_reverse_log_space(domain: Domain) -> bool:
    """Whether the domain is encoded on a reverse log scale."""
    return domain.scale == "reverse_log"


def is_uniform_space(domain: Domain) -> bool:
    """Whether the domain holds numbers that are encoded on a linear scale."""
    numeric = domain.value_type in (int, float)
    return domain.scale == "linear" and (
        numeric or isinstance(domain, (FiniteRange, OrdinalNearestNeighbor))
    )


def add_to_argparse(parser: ArgumentParser, config_space: Mapping[str, Any]) -> None:
    """Add an argument `--name` for each hyperparameter, with its type.

    Constants are left out: what a script needs of them it adds by hand, with a default.

    Args:
        parser: Parser of the training script (modified).
        config_space: Configuration space.
    """
    from synetune_lab.config_space.function import Function

    for name, domain in config_space.items():
        if isinstance(domain, Domain):
            kind: Any = str if isinstance(domain, Function) else domain.value_type
            parser.add_argument(f"--{name}", type=_bool if kind is bool else kind, required=True)


def cast_config_values(
    config: Mapping[str, Any], config_space: Mapping[str, Any]
) -> dict[str, Any]:
    """A new configuration, each value brought to the type of its domain.

    Entries without a domain stay as they are.

    Raises:
        InvalidConfigError: If a value can't be cast; the message names the entry.
    """
    return {name: _cast(name, value, config_space.get(name)) for name, value in config.items()}


def remove_constant_and_cast(
    config: Mapping[str, Any], config_space: Mapping[str, Any]
) -> dict[str, Any]:
    """The hyperparameters of a configuration, cast to their types; everything else is left out.

    Raises:
        InvalidConfigError: If a value can't be cast; the message names the entry.
    """
    return {
        name: _cast(name, config[name], domain)
        for name, domain in config_space.items()
        if isinstance(domain, Domain) and name in config
    }


def non_constant_hyperparameter_keys(config_space: Mapping[str, Any]) -> list[str]:
    """Names of the entries that have a domain, in the order of the space."""
    return [name for name, entry in config_space.items() if isinstance(entry, Domain)]


def constant_entries(config_space: Mapping[str, Any]) -> dict[str, Any]:
    """The entries without a domain, which every configuration gets as they are."""
    return {name: entry for name, entry in config_space.items() if not isinstance(entry, Domain)}


def config_space_size(config_space: Mapping[str, Any], upper_limit: int = 2**20) -> int | None:
    """Number of different configurations.

    Args:
        config_space: Configuration space.
        upper_limit: Larger numbers count as infinite.

    Returns:
        The number, or None if it is infinite or above `upper_limit`.
    """
    size = 1
    for entry in config_space.values():
        if isinstance(entry, Domain):
            values = entry.num_values()
            if values is None or size * values > upper_limit:
                return None
            size *= values
    return size


def config_to_match_string(
    config: Mapping[str, Any], config_space: Mapping[str, Any], keys: Sequence[str]
) -> str:
    """A text that two configurations share if and only if they count as equal.

    Args:
        config: Configuration, its values of the types of their domains.
        config_space: Configuration space.
        keys: Names of the entries to compare, in the order in which they are written.
    """
    return ",".join(f"{key}:{config_space[key].match_string(config[key])}" for key in keys)


def _cast(name: str, value: Any, domain: Any) -> Any:
    if not isinstance(domain, Domain):
        return value
    try:
        return domain.cast(value)
    except InvalidConfigError as error:
        raise InvalidConfigError(f"{name}: {error}") from None


def _bool(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "1", "yes"):
        return True
    if lowered in ("false", "0", "no"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")
