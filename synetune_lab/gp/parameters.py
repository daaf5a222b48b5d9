"""Parameters of models: where they begin, their bounds, priors and encodings.

Models take all their parameters as one vector of natural values. The optimiser and the sampler work
on encoded values, in which positive parameters are free of scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.priors import PriorDensity

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Parameter", "ParameterVector", "prefixed"]

_ENCODINGS = ("logarithm", "identity", "positive")


@dataclass(frozen=True)
class Parameter:
    """One number that a model learns.

    Attributes:
        name: Its name, unique within the model.
        initial: Where a fit begins.
        lower: Least value.
        upper: Largest value.
        prior: Density that regularises the fit; None for none.
        encoding: What the optimiser works on: `logarithm` of the value, the value itself
            (`identity`), or the inverse of log(1 + exp(·)), added to `lower` (`positive`).

    Raises:
        SchedulerError: If bounds and initial value are not in order, or the encoding is unknown.
    """

    name: str
    initial: float
    lower: float
    upper: float
    prior: PriorDensity | None = None
    encoding: str = "logarithm"

    def __post_init__(self) -> None:
        if self.encoding not in _ENCODINGS:
            raise SchedulerError(
                f"{self.name}: encoding={self.encoding!r} must be one of {', '.join(_ENCODINGS)}"
            )
        if not self.lower <= self.initial <= self.upper or not self.lower < self.upper:
            raise SchedulerError(
                f"{self.name}: initial={self.initial} must be in [{self.lower}, {self.upper}]"
            )
        if self.encoding == "logarithm" and self.lower <= 0:
            raise SchedulerError(f"{self.name}: lower={self.lower} must be above 0 for a logarithm")
        if self.encoding == "positive" and self.initial <= self.lower:
            raise SchedulerError(f"{self.name}: initial={self.initial} must be above {self.lower}")


def prefixed(prefix: str, parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The same parameters with a prefix before their names."""
    return tuple(replace(entry, name=prefix + entry.name) for entry in parameters)


class ParameterVector:
    """Encodes and decodes vectors of parameters, and sums their priors.

    Args:
        parameters: The parameters, in the order of the vectors.

    Raises:
        SchedulerError: If a name occurs twice.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.parameters = tuple(parameters)
        names = [entry.name for entry in self.parameters]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise SchedulerError(f"parameters must have different names; twice: {', '.join(twice)}")
        self._kinds = np.array([_ENCODINGS.index(entry.encoding) for entry in self.parameters])
        self._lower = np.array([entry.lower for entry in self.parameters], dtype=np.float64)
        self._upper = np.array([entry.upper for entry in self.parameters], dtype=np.float64)
        self._is_log = self._kinds == 0
        self._has_positive = bool((self._kinds == 2).any())
        self._priors = [
            (index, entry.prior)
            for index, entry in enumerate(self.parameters)
            if entry.prior is not None
        ]
        self.bounds: list[tuple[float, float]] = list(
            zip(
                self.encode(self._lower).tolist(),
                self.encode(self._upper).tolist(),
                strict=True,
            )
        )

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def initial(self) -> FloatArray:
        """Values where a fit begins."""
        return np.array([entry.initial for entry in self.parameters], dtype=np.float64)

    def encode(self, values: FloatArray) -> FloatArray:
        """Encoded values of natural ones."""
        encoded = np.array(values, dtype=np.float64)
        encoded[self._is_log] = np.log(encoded[self._is_log])
        if self._has_positive:
            which = self._kinds == 2
            # log(exp(v) - 1), written so that neither large nor small v overflow.
            gap = np.maximum(encoded[which] - self._lower[which], 1e-12)
            encoded[which] = gap + np.log(-np.expm1(-gap))
        return encoded

    def decode(self, encoded: FloatArray) -> FloatArray:
        """Natural values of encoded ones, kept inside their bounds."""
        values = np.array(encoded, dtype=np.float64)
        values[self._is_log] = np.exp(values[self._is_log])
        if self._has_positive:
            which = self._kinds == 2
            values[which] = np.logaddexp(0.0, values[which]) + self._lower[which]
        return np.clip(values, self._lower, self._upper)

    def derivative(self, values: FloatArray) -> FloatArray:
        """Derivatives of natural values by encoded ones, at the natural values."""
        slopes = np.ones(len(values))
        slopes[self._is_log] = values[self._is_log]
        if self._has_positive:
            which = self._kinds == 2
            slopes[which] = -np.expm1(-(values[which] - self._lower[which]))
        return slopes

    def negative_log_prior(self, values: FloatArray) -> tuple[float, FloatArray]:
        """Sum of the negative log priors, and its derivatives by the natural values."""
        total = 0.0
        gradient = np.zeros(len(values))
        for index, prior in self._priors:
            value = float(values[index])
            total += prior.negative_log_density(value)
            gradient[index] = prior.derivative(value)
        return total, gradient

    def to_dict(self, values: FloatArray) -> dict[str, float]:
        """Natural values by name."""
        return {
            entry.name: float(value) for entry, value in zip(self.parameters, values, strict=True)
        }

    def from_dict(self, values: dict[str, float]) -> FloatArray:
        """Natural values from `to_dict`.

        Raises:
            SchedulerError: If a parameter is missing, unknown, or not in its bounds.
        """
        names = {entry.name for entry in self.parameters}
        if set(values) != names:
            raise SchedulerError(
                f"parameters must be {', '.join(sorted(names))}; got {', '.join(sorted(values))}"
            )
        for entry in self.parameters:
            value = values[entry.name]
            if not math.isfinite(value) or not entry.lower <= value <= entry.upper:
                raise SchedulerError(
                    f"{entry.name}={value!r} must be in [{entry.lower}, {entry.upper}]"
                )
        return np.array([values[entry.name] for entry in self.parameters], dtype=np.float64)
