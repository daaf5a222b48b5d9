"""Domains that suit model-based methods better, with about the same values."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from synetune_lab.config_space import (
    Categorical,
    Domain,
    Float,
    Integer,
    OrdinalNearestNeighbor,
    finrange,
    logfinrange,
    ordinal,
)
from synetune_lab.config_space.arguments import tidy
from synetune_lab.config_space.samplers import Uniform

__all__ = [
    "R2_THRESHOLD",
    "UPPER_LOWER_RATIO_THRESHOLD",
    "convert_choice_domain",
    "convert_domain",
    "convert_linear_to_log_domain",
    "fit_to_regular_grid",
    "streamline_config_space",
]

logger = logging.getLogger(__name__)

UPPER_LOWER_RATIO_THRESHOLD = 100
"""Ranges of numbers that span at least this factor go over to a log scale."""
R2_THRESHOLD = 0.995
"""Choices whose fit to an even grid is better than this become a finite range."""


def fit_to_regular_grid(x: Sequence[float]) -> dict[str, float]:
    """Fit a * j + b to x[j], j = 0, ..., n - 1, by least squares.

    Args:
        x: Strictly increasing numbers, at least 2; an array will do.

    Returns:
        `a`, `b`, and `r2`, the coefficient of determination.
    """
    size = len(x)
    values = [float(value) for value in x]
    mean = math.fsum(values) / size
    middle = (size - 1) / 2
    spread = math.fsum((j - middle) ** 2 for j in range(size))
    a = math.fsum((j - middle) * (value - mean) for j, value in enumerate(values)) / spread
    b = mean - a * middle
    residual = math.fsum((value - a * j - b) ** 2 for j, value in enumerate(values))
    total = math.fsum((value - mean) ** 2 for value in values)
    return {"r2": 1.0 - residual / total, "a": a, "b": b}


def convert_choice_domain(domain: Domain, name: str | None = None) -> Domain:
    """Give a choice among more than 2 numbers its order, and its spacing if there is one.

    The sorted numbers, and their logarithms if all are positive, are fitted to an even grid. The
    better fit decides between linear and log scale. A close fit (`R2_THRESHOLD`) gives `finrange`
    or `logfinrange`, whose values may differ a little from the choices; else `ordinal` or
    `logordinal`, with the very same values.

    Args:
        domain: Domain; returned as it is unless it is such a choice or an ordinal.
        name: Name of the hyperparameter, to log the replacement.
    """
    if not isinstance(domain, Categorical) or domain.is_grid():
        return domain
    if domain.value_type not in (int, float) or len(domain.categories) < 3:
        return domain
    values = sorted(domain.categories)
    fit = fit_to_regular_grid(values)
    log_scale = False
    if values[0] > 0:
        log_fit = fit_to_regular_grid([math.log(value) for value in values])
        log_scale = log_fit["r2"] > fit["r2"]
        fit = log_fit if log_scale else fit
    new: Domain | None = None
    if fit["r2"] > R2_THRESHOLD:
        new = _to_finite_range(values, fit["a"], log_scale)
    if new is None or new.num_values() != len(values):
        if isinstance(domain, OrdinalNearestNeighbor):
            # The user has chosen the scale of an ordinal with care.
            return domain
        new = ordinal(values, kind="nn-log" if log_scale else "nn")
    _log_change(name, domain, new)
    return new


def convert_linear_to_log_domain(domain: Domain, name: str | None = None) -> Domain:
    """Give a range of positive numbers over orders of magnitude a log scale.

    Args:
        domain: Domain; returned as it is unless it is a uniform range whose upper bound is at least
            100 times its positive lower bound.
        name: Name of the hyperparameter, to log the replacement.
    """
    if not isinstance(domain, (Float, Integer)) or type(domain.get_sampler()) is not Uniform:
        return domain
    if domain.lower <= 0 or domain.upper < UPPER_LOWER_RATIO_THRESHOLD * domain.lower:
        return domain
    new: Domain = type(domain)(domain.lower, domain.upper).loguniform()
    _log_change(name, domain, new)
    return new


def convert_domain(domain: Domain, name: str | None = None) -> Domain:
    """Replace a domain by one of about the same values that suits models better.

    The first rule that applies: `convert_choice_domain`, `convert_linear_to_log_domain`.

    Args:
        domain: Domain.
        name: Name of the hyperparameter, to log the replacement.
    """
    new = convert_choice_domain(domain, name)
    return convert_linear_to_log_domain(domain, name) if new is domain else new


def streamline_config_space(
    config_space: Mapping[str, Any],
    exclude_names: Sequence[str] | None = None,
    verbose: bool = False,
) -> dict[str, Any]:
    """Replace the domains of a space by ones that suit models better (see `convert_domain`).

    Args:
        config_space: Configuration space.
        exclude_names: Entries to leave as they are, as where each value of a choice matters.
        verbose: Whether to log the replacements.

    Returns:
        New configuration space with the same entries in the same order.
    """
    excluded = set(exclude_names or ())
    return {
        name: convert_domain(entry, name if verbose else None)
        if isinstance(entry, Domain) and name not in excluded
        else entry
        for name, entry in config_space.items()
    }


def _to_finite_range(values: list[Any], slope: float, log_scale: bool) -> Domain:
    cast_int = isinstance(values[0], int)
    lower, size = values[0], len(values)
    # From the smallest value on, which is kept; the intercept of the fit is not.
    steps = slope * (size - 1)
    upper = lower * math.exp(steps) if log_scale else lower + steps
    if abs(upper - values[-1]) <= 1e-12 * max(abs(upper), abs(values[-1])):
        upper = values[-1]
    if cast_int:
        upper = round(upper)
    else:
        upper = tidy(upper)
    make = logfinrange if log_scale else finrange
    return make(lower, upper, size, cast_int=cast_int)


def _log_change(name: str | None, old: Domain, new: Domain) -> None:
    if name is not None:
        logger.info("%s: %s is replaced by %s", name, old, new)
