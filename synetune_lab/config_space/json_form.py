"""Configuration spaces as JSON, in the form that `metadata.json` holds and editors send.

A domain is an object with its class, the arguments of its constructor and those of its sampler; a
constant is written as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from synetune_lab.config_space.domain import Domain, constructor_arguments
from synetune_lab.config_space.finite_range import FiniteRange
from synetune_lab.config_space.function import Function
from synetune_lab.config_space.nearest import OrdinalNearestNeighbor
from synetune_lab.config_space.samplers import (
    Grid,
    LogUniform,
    Normal,
    Quantized,
    ReverseLogUniform,
    Sampler,
    Uniform,
)
from synetune_lab.errors import ConfigSpaceError

__all__ = [
    "config_space_from_json_dict",
    "config_space_to_json_dict",
    "from_dict",
    "is_domain_json",
    "to_dict",
]

_SAMPLERS: dict[str, type[Sampler]] = {
    cls.__name__: cls for cls in (Uniform, LogUniform, ReverseLogUniform, Normal, Grid)
}
# Domains whose prior follows from their values.
_WITHOUT_SAMPLER = (FiniteRange, OrdinalNearestNeighbor, Function)
_KEYS = {"domain_cls", "domain_kwargs", "sampler_cls", "sampler_kwargs"}


def to_dict(x: Domain) -> dict[str, Any]:
    """A domain as JSON.

    A function of `sample_from` is named only and can't be read back. Infinite bounds become null.

    Args:
        x: Domain whose class keeps the convention of `synetune_lab.config_space.domain`.
    """
    if isinstance(x, Function):
        return {"domain_cls": "Function", "domain_kwargs": {"func": x.domain_str}}
    names = constructor_arguments(type(x))
    kwargs = {name: _finite(getattr(x, name)) for name in names}
    result: dict[str, Any] = {"domain_cls": type(x).__name__, "domain_kwargs": kwargs}
    if not isinstance(x, _WITHOUT_SAMPLER):
        result.update(_sampler_to_dict(x.get_sampler()))
    return result


def from_dict(d: Mapping[str, Any]) -> Domain:
    """The domain that `to_dict` wrote.

    Raises:
        ConfigSpaceError: If it is not such a form, or the domain is not possible.
    """
    if not is_domain_json(d):
        raise ConfigSpaceError(f"{d!r} is no domain: 'domain_cls' and 'domain_kwargs' are needed")
    unknown = set(d) - _KEYS
    if unknown:
        raise ConfigSpaceError(f"{sorted(unknown)[0]!r} is no part of a domain in JSON")
    name = d["domain_cls"]
    cls = Domain.known.get(name) if isinstance(name, str) else None
    if cls is Function:
        raise ConfigSpaceError("a function of sample_from can't be read back from JSON")
    if cls is None:
        known = ", ".join(sorted(Domain.known))
        raise ConfigSpaceError(f"domain_cls={name!r} is unknown; known are {known}")
    domain = _build(cls, d["domain_kwargs"], "domain_kwargs")
    if d.get("sampler_cls") is not None and not isinstance(domain, _WITHOUT_SAMPLER):
        domain.set_sampler(_sampler_from_dict(d), allow_override=True)
    domain.validate()
    return domain  # type: ignore[no-any-return]


def is_domain_json(x: Any) -> bool:
    """Whether a JSON value stands for a domain, not for a constant."""
    return isinstance(x, Mapping) and "domain_cls" in x and "domain_kwargs" in x


def config_space_to_json_dict(config_space: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration space as JSON; constants stay as they are."""
    return {
        name: to_dict(entry) if isinstance(entry, Domain) else entry
        for name, entry in config_space.items()
    }


def config_space_from_json_dict(config_space_dict: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration space that `config_space_to_json_dict` wrote.

    Raises:
        ConfigSpaceError: If an entry is not possible; the message names it.
    """
    config_space = {}
    for name, entry in config_space_dict.items():
        try:
            config_space[name] = from_dict(entry) if is_domain_json(entry) else entry
        except ConfigSpaceError as error:
            raise ConfigSpaceError(f"{name}: {error}") from None
    return config_space


def _sampler_to_dict(sampler: Sampler) -> dict[str, Any]:
    if isinstance(sampler, Quantized):
        kwargs = {"q": sampler.q, "sampler": _sampler_to_dict(sampler.sampler)}
    else:
        kwargs = dict(vars(sampler))
    return {"sampler_cls": type(sampler).__name__, "sampler_kwargs": kwargs}


def _sampler_from_dict(d: Mapping[str, Any]) -> Sampler:
    name, kwargs = d["sampler_cls"], d.get("sampler_kwargs") or {}
    if name == "Quantized":
        inner = kwargs.get("sampler") if isinstance(kwargs, Mapping) else None
        if not isinstance(inner, Mapping) or "sampler_cls" not in inner:
            raise ConfigSpaceError("sampler_kwargs of Quantized must hold 'q' and 'sampler'")
        return _build(  # type: ignore[no-any-return]
            Quantized, {**kwargs, "sampler": _sampler_from_dict(inner)}, "sampler_kwargs"
        )
    cls = _SAMPLERS.get(name) or _custom_sampler(name)
    if cls is None:
        known = ", ".join(sorted([*_SAMPLERS, "Quantized"]))
        raise ConfigSpaceError(f"sampler_cls={name!r} is unknown; known are {known}")
    return _build(cls, kwargs, "sampler_kwargs")  # type: ignore[no-any-return]


def _custom_sampler(name: Any) -> type[Sampler] | None:
    """A user's own sampler of this name."""
    found = list(Sampler.__subclasses__())
    while found:
        cls = found.pop()
        if cls.__name__ == name:
            return cls
        found.extend(cls.__subclasses__())
    return None


def _build(cls: type[Any], kwargs: Any, what: str) -> Any:
    if not isinstance(kwargs, Mapping):
        raise ConfigSpaceError(f"{what}={kwargs!r} must be an object")
    allowed = constructor_arguments(cls)
    for name in kwargs:
        if name not in allowed:
            raise ConfigSpaceError(
                f"{what} of {cls.__name__}: {name!r} is unknown; known are {', '.join(allowed)}"
            )
    try:
        return cls(**kwargs)
    except ConfigSpaceError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigSpaceError(f"{what} of {cls.__name__}: {error}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return list(value) if isinstance(value, tuple) else value
