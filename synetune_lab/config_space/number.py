"""What domains of real and of whole numbers share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.samplers import (
    Grid,
    LogUniform,
    Normal,
    ReverseLogUniform,
    Sampler,
    Uniform,
    split_quantized,
)
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    from synetune_lab.config_space.domain import FloatArray

__all__ = ["Number", "scale_of"]

_FACTORY_NAMES: dict[str, dict[type, str]] = {
    "Float": {
        Uniform: "uniform",
        LogUniform: "loguniform",
        ReverseLogUniform: "reverseloguniform",
        Normal: "randn",
    },
    "Integer": {Uniform: "randint", LogUniform: "lograndint"},
}

_SCALES: dict[type, str] = {
    LogUniform: "log",
    ReverseLogUniform: "reverse_log",
    Normal: "normal",
}


def scale_of(prior: Sampler) -> str:
    """Name of the scale on which a prior is uniform (see `Domain.scale`)."""
    return _SCALES.get(type(prior), "linear")


class Number(Domain):
    """What real and whole numbers share: bounds, a scale, an optional step."""

    lower: Any
    upper: Any

    @property
    def scale(self) -> str:
        """`linear`, `log`, `reverse_log` or `normal`, by the sampler."""
        return scale_of(split_quantized(self.get_sampler())[0])

    @property
    def step(self) -> float | None:
        """Step between values if they are quantized, else None."""
        return split_quantized(self.get_sampler())[1]

    @property
    def domain_str(self) -> str:
        """The bounds, as `(lower, upper)`."""
        return f"({self.lower}, {self.upper})"

    def _edges(self, step: float | None) -> tuple[float, float]:
        """Ends of the real interval that [0, 1] stands for."""
        raise NotImplementedError

    def to_unit(self, values: Sequence[Any]) -> FloatArray:
        """Position of each value in [0, 1] (see `Domain.to_unit`)."""
        import numpy as np

        from synetune_lab.config_space.scaling import normal_cdf, scaling

        low, high = self._edges(self.step)
        x = np.clip(np.asarray(values, dtype=np.float64), low, high)
        if low == high:
            return np.full(x.shape, 0.5)
        if self.scale == "normal":
            prior = cast("Normal", split_quantized(self.get_sampler())[0])
            z = (np.stack([np.full(x.shape, low), x, np.full(x.shape, high)]) - prior.mean) / (
                prior.sd
            )
            below, here, above = normal_cdf(z)
            shares: FloatArray = np.clip((here - below) / (above - below), 0.0, 1.0)
            return shares
        into, _ = scaling(self.scale)
        first, last = into(np.array([low, high]))
        unit: FloatArray = np.clip((into(x) - first) / (last - first), 0.0, 1.0)
        return unit

    def _reals(self, unit: FloatArray, sampler: Sampler) -> FloatArray:
        """Reals of the domain's interval at the given positions of [0, 1]."""
        import numpy as np

        from synetune_lab.config_space.scaling import normal_cdf, normal_quantile, scaling

        prior, step = split_quantized(sampler)
        self._check_sampler(sampler)
        low, high = self._edges(step)
        unit = np.asarray(unit, dtype=np.float64)
        if low == high:
            return np.full(unit.shape, low)
        if isinstance(prior, Normal):
            below, above = normal_cdf((np.array([low, high]) - prior.mean) / prior.sd)
            x = prior.mean + prior.sd * normal_quantile(below + unit * (above - below))
        else:
            into, back = scaling(scale_of(prior))
            first, last = into(np.array([low, high]))
            x = back(first + unit * (last - first))
        return np.clip(x, low, high)

    def unit_interval(self, active: Domain) -> tuple[float, float]:
        """The part of [0, 1] inside the bounds of `active` (see `Domain.unit_interval`)."""
        if not isinstance(active, Number):
            raise ConfigSpaceError(f"{active} is not a part of {self}: it has another type")
        if active.lower < self.lower or active.upper > self.upper:
            raise ConfigSpaceError(f"{active} is not a part of {self}: it goes beyond its bounds")
        low, high = self.to_unit(list(active._edges(active.step)))
        return float(low), float(high)

    def _check_sampler(self, sampler: Sampler) -> None:
        """Check that a prior makes sense on these bounds."""
        prior, _ = split_quantized(sampler)
        if isinstance(prior, Grid):
            prior.sample(self)
        if isinstance(prior, Normal):
            if prior.sd <= 0:
                raise ConfigSpaceError(f"Normal: sd={prior.sd} must be positive")
            return
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            raise ConfigSpaceError(
                f"{self._shown()}: bounds must be finite, got lower={self.lower}, "
                f"upper={self.upper}"
            )
        if isinstance(prior, LogUniform) and self.lower <= 0:
            raise ConfigSpaceError(
                f"{self._shown()}: a log scale needs lower > 0, got lower={self.lower}. "
                "Give the value itself, not its logarithm"
            )
        if isinstance(prior, ReverseLogUniform) and not 0 <= self.lower <= self.upper < 1:
            raise ConfigSpaceError(
                f"{self._shown()}: a reverse log scale needs 0 <= lower <= upper < 1, got "
                f"lower={self.lower}, upper={self.upper}"
            )

    def _shown(self) -> str:
        return f"{type(self).__name__}({self.lower}, {self.upper})"

    def validate(self) -> None:
        """Check bounds and sampler (see `Domain.validate`)."""
        if not self.is_grid():
            self._check_sampler(self.get_sampler())

    def clip(self, value: Any) -> Any:
        """The nearest value within the bounds (see `Domain.clip`)."""
        return min(max(self.cast(value), self.lower), self.upper)

    def uniform(self) -> Any:
        """A copy that draws every value with the same probability."""
        return self._with_sampler(Uniform())

    def loguniform(self) -> Any:
        """A copy that draws uniformly in the logarithm.

        Raises:
            ConfigSpaceError: If the lower bound is not positive, or the upper one infinite.
        """
        return self._with_sampler(LogUniform())

    def __repr__(self) -> str:
        prior, step = split_quantized(self.get_sampler())
        name = _FACTORY_NAMES[type(self).__name__].get(type(prior))
        if name is None:
            return super().__repr__()
        arguments = (
            [f"{prior.mean}", f"{prior.sd}"]
            if isinstance(prior, Normal)
            else [f"{self.lower}", f"{self.upper}"]
        )
        if isinstance(prior, Normal) and math.isfinite(self.lower) | math.isfinite(self.upper):
            return f"{self._shown()}.normal({prior.mean}, {prior.sd})"
        if step is not None:
            name, arguments = f"q{name}", [*arguments, f"{step}"]
        return f"{name}({', '.join(arguments)})"
