"""Prior densities of parameters, which regularise the fit. Constants of a density are left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from synetune_lab.errors import SchedulerError

__all__ = ["Gamma", "Horseshoe", "LogNormal", "Normal", "PriorDensity", "Uniform"]


class PriorDensity(Protocol):
    """The negative logarithm of a density, up to a constant, and its derivative."""

    def negative_log_density(self, x: float) -> float:
        """At x."""
        ...

    def derivative(self, x: float) -> float:
        """Derivative of the negative logarithm at x."""
        ...


@dataclass(frozen=True)
class Uniform:
    """Constant on [lower, upper]; the bounds themselves are for the optimiser to keep."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise SchedulerError(f"Uniform: lower={self.lower} must be below upper={self.upper}")

    def negative_log_density(self, x: float) -> float:  # noqa: ARG002 - it does not depend on x
        """See `PriorDensity`."""
        return 0.0

    def derivative(self, x: float) -> float:  # noqa: ARG002
        """See `PriorDensity`."""
        return 0.0


@dataclass(frozen=True)
class Gamma:
    """Proportional to x^(alpha - 1) exp(-beta x), with beta = alpha / mean."""

    mean: float
    alpha: float

    def __post_init__(self) -> None:
        _require_positive("Gamma", mean=self.mean, alpha=self.alpha)

    def negative_log_density(self, x: float) -> float:
        """See `PriorDensity`."""
        return (1.0 - self.alpha) * math.log(x) + self.alpha / self.mean * x

    def derivative(self, x: float) -> float:
        """See `PriorDensity`."""
        return (1.0 - self.alpha) / x + self.alpha / self.mean


@dataclass(frozen=True)
class Normal:
    """Normal with mean and standard deviation."""

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        _require_positive("Normal", sigma=self.sigma)

    def negative_log_density(self, x: float) -> float:
        """See `PriorDensity`."""
        return 0.5 * ((x - self.mean) / self.sigma) ** 2

    def derivative(self, x: float) -> float:
        """See `PriorDensity`."""
        return (x - self.mean) / self.sigma**2


@dataclass(frozen=True)
class LogNormal:
    """The logarithm is normal with this mean and standard deviation."""

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        _require_positive("LogNormal", sigma=self.sigma)

    def negative_log_density(self, x: float) -> float:
        """See `PriorDensity`."""
        log_x = math.log(x)
        return log_x + 0.5 * ((log_x - self.mean) / self.sigma) ** 2

    def derivative(self, x: float) -> float:
        """See `PriorDensity`."""
        return (1.0 + (math.log(x) - self.mean) / self.sigma**2) / x


@dataclass(frozen=True)
class Horseshoe:
    """The lower bound log(1 + 3 (s / x)²) of the horseshoe density.

    Carvalho, Polson, Scott: The horseshoe estimator for sparse signals, Biometrika 97 (2010).
    """

    s: float

    def __post_init__(self) -> None:
        _require_positive("Horseshoe", s=self.s)

    def negative_log_density(self, x: float) -> float:
        """See `PriorDensity`."""
        return -math.log(math.log1p(3.0 * (self.s / x) ** 2))

    def derivative(self, x: float) -> float:
        """See `PriorDensity`."""
        ratio = 3.0 * (self.s / x) ** 2
        return 2.0 * ratio / (x * (1.0 + ratio) * math.log1p(ratio))


def _require_positive(density: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise SchedulerError(f"{density}: {name}={value!r} must be above 0")
