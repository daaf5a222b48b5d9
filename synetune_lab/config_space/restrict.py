"""Narrowing a numerical domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.discrete import Ordinal
from synetune_lab.config_space.finite_range import FiniteRange
from synetune_lab.config_space.nearest import OrdinalNearestNeighbor
from synetune_lab.config_space.number import Number
from synetune_lab.config_space.numeric import Float, Integer
from synetune_lab.config_space.samplers import Quantized
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import Domain

__all__ = ["restrict_domain"]


def restrict_domain(numerical_domain: Domain, lower: float, upper: float) -> Domain:
    """The part of a numerical domain in [lower, upper], with the same type and scale.

    Finite domains keep the values inside. A finite range of which only one value is inside becomes
    an ordinal with this value.

    Args:
        numerical_domain: Domain of numbers.
        lower: Lower bound, included.
        upper: Upper bound, included.

    Raises:
        ConfigSpaceError: If the domain is not numerical, or no value is inside.
    """
    if isinstance(numerical_domain, Number):
        return _restrict_number(numerical_domain, lower, upper)
    if isinstance(numerical_domain, FiniteRange):
        return _restrict_range(numerical_domain, lower, upper)
    if isinstance(numerical_domain, Ordinal) and numerical_domain.value_type in (int, float):
        values = [x for x in numerical_domain.categories if lower <= x <= upper]
        if not values:
            raise _nothing_inside(numerical_domain, lower, upper)
        if isinstance(numerical_domain, OrdinalNearestNeighbor):
            return OrdinalNearestNeighbor(values, numerical_domain.log_scale)
        return Ordinal(values)
    raise ConfigSpaceError(f"restrict_domain: {numerical_domain} is not a numerical domain")


def _restrict_number(domain: Number, lower: float, upper: float) -> Domain:
    low, high = max(domain.lower, lower), min(domain.upper, upper)
    if low > high:
        raise _nothing_inside(domain, lower, upper)
    sampler = domain.get_sampler()
    result: Any
    if isinstance(domain, Integer):
        whole_low, whole_high = int(-(-low // 1)), int(high // 1)
        if whole_low > whole_high:
            raise _nothing_inside(domain, lower, upper)
        result = Integer(whole_low, whole_high)
    elif isinstance(sampler, Quantized):
        inside = [x for x in domain.members() or () if low <= x <= high]
        if not inside:
            raise _nothing_inside(domain, lower, upper)
        result = Float(inside[0], inside[-1])
    else:
        result = Float(low, high)
    result.set_sampler(sampler)
    result.validate()
    return result  # type: ignore[no-any-return]


def _restrict_range(domain: FiniteRange, lower: float, upper: float) -> Domain:
    # Round-off of a bound must not lose the value that it names.
    margin = 1e-9 * (domain.upper - domain.lower) / domain.size
    values = [x for x in domain.values if lower - margin <= x <= upper + margin]
    if not values:
        raise _nothing_inside(domain, lower, upper)
    if len(values) == domain.size:
        return domain
    if len(set(values)) == 1:
        return OrdinalNearestNeighbor(values[:1], domain.log_scale)
    if domain.cast_int:
        # Rounded ends would move the spacing, and with it the values between them.
        inner = sorted(set(values))
        candidate = FiniteRange(inner[0], inner[-1], len(values), domain.log_scale, cast_int=True)
        if candidate.values == values:
            return candidate
        return OrdinalNearestNeighbor(inner, domain.log_scale)
    return FiniteRange(values[0], values[-1], len(values), domain.log_scale)


def _nothing_inside(domain: Domain, lower: float, upper: float) -> ConfigSpaceError:
    return ConfigSpaceError(f"restrict_domain: no value of {domain} is in [{lower}, {upper}]")
