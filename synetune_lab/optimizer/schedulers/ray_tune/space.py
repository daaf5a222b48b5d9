"""Configuration spaces in Ray Tune's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synetune_lab.config_space import (
    Categorical,
    Domain,
    FiniteRange,
    Float,
    Function,
    Integer,
    Normal,
    Quantized,
    ReverseLogUniform,
    is_log_space,
)
from synetune_lab.errors import SchedulerError
from synetune_lab.extras import require

__all__ = ["to_ray_space"]


def to_ray_space(config_space: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration space as Ray Tune has it; constants stay.

    Both ends of our whole numbers are included, of Ray's the upper one is not: it gets one more.
    What is a list of values (choices, ordinals, finite ranges, grids) becomes a choice.

    Raises:
        SchedulerError: If Ray Tune has nothing like a domain.
    """
    tune = require("ray.tune", extra="ray")
    return {name: _to_ray(tune, name, value) for name, value in config_space.items()}


def _to_ray(tune: Any, name: str, value: Any) -> Any:
    if isinstance(value, Categorical):
        return tune.choice(list(value.categories))
    if isinstance(value, FiniteRange):
        return tune.choice(list(value.values))
    if isinstance(value, Function):
        return tune.sample_from(value.func)
    if isinstance(value, Float):
        return _float(tune, name, value)
    if isinstance(value, Integer):
        return _integer(tune, name, value)
    if isinstance(value, Domain):
        raise _unknown(name, value)
    return value


def _float(tune: Any, name: str, domain: Float) -> Any:
    sampler, step = _split(domain)
    if isinstance(sampler, ReverseLogUniform):
        raise _unknown(name, domain)
    if isinstance(sampler, Normal):
        mean, sd = sampler.mean, sampler.sd
        return tune.randn(mean, sd) if step is None else tune.qrandn(mean, sd, step)
    low, high = domain.lower, domain.upper
    if is_log_space(domain):
        return tune.loguniform(low, high) if step is None else tune.qloguniform(low, high, step)
    return tune.uniform(low, high) if step is None else tune.quniform(low, high, step)


def _integer(tune: Any, name: str, domain: Integer) -> Any:
    sampler, step = _split(domain)
    if isinstance(sampler, (Normal, ReverseLogUniform)):
        raise _unknown(name, domain)
    low, high = domain.lower, domain.upper
    in_logs = is_log_space(domain)
    if step is None or step == 1:
        return tune.lograndint(low, high + 1) if in_logs else tune.randint(low, high + 1)
    q = int(step)
    return tune.qlograndint(low, high, q) if in_logs else tune.qrandint(low, high, q)


def _split(domain: Domain) -> tuple[Any, float | None]:
    sampler = domain.get_sampler()
    if isinstance(sampler, Quantized):
        return sampler.get_sampler(), sampler.q
    return sampler, None


def _unknown(name: str, domain: Domain) -> SchedulerError:
    return SchedulerError(
        f"config_space[{name!r}] is {domain}, which Ray Tune has nothing like; use uniform, "
        "loguniform, randint, lograndint, their quantized forms, or choice"
    )
