"""How values of a domain are drawn.

A sampler names a prior; the domain knows how the prior looks on its values: its `from_unit` maps
numbers drawn uniformly from [0, 1) to values. A user's own sampler overrides `Sampler.sample`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    import numpy as np

    from synetune_lab.config_space.domain import Domain

    RandomSource = np.random.Generator | np.random.RandomState | None

__all__ = [
    "BaseSampler",
    "Grid",
    "LogUniform",
    "Normal",
    "Quantized",
    "ReverseLogUniform",
    "Sampler",
    "Uniform",
    "split_quantized",
]


class Sampler:
    """Base class of all samplers; two are equal if their type and arguments are."""

    def sample(
        self,
        domain: Domain,
        spec: Any = None,
        size: int = 1,
        random_state: RandomSource = None,
    ) -> Any:
        """Draw values of a domain.

        Args:
            domain: Domain to draw from.
            spec: Passed through; only functions of `sample_from` read it.
            size: Number of values.
            random_state: Source of randomness; None takes a fresh, unseeded one.

        Returns:
            One value if `size` is 1, else a list of `size` values.
        """
        del spec
        values = domain.from_unit(random_source(random_state).random(size), self)
        return values[0] if size == 1 else values

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({arguments})"


class BaseSampler(Sampler):
    """Marks samplers that stand on their own, without wrapping another one."""


class Uniform(BaseSampler):
    """Every value equally likely, on the domain's own scale."""


class LogUniform(BaseSampler):
    """Uniform in the logarithm of the value.

    Args:
        base: Accepted because Ray Tune has it; has no effect on the distribution.
    """

    def __init__(self, base: float = math.e) -> None:
        self.base = base


class ReverseLogUniform(BaseSampler):
    """Uniform in `-log(1 - value)`, for values in [0, 1) that crowd near 1."""


class Normal(BaseSampler):
    """Normal distribution, truncated to the bounds of the domain.

    Args:
        mean: Mean before the truncation.
        sd: Standard deviation before the truncation; must be positive to draw.
    """

    def __init__(self, mean: float = 0.0, sd: float = 0.0) -> None:
        if not (math.isfinite(mean) and math.isfinite(sd)) or sd < 0:
            raise ConfigSpaceError(
                f"Normal(mean={mean}, sd={sd}): mean must be finite, sd finite and not negative"
            )
        self.mean = float(mean)
        self.sd = float(sd)


class Grid(BaseSampler):
    """Marks a hyperparameter whose every value grid search is to try; nothing can be drawn."""

    def sample(
        self,
        domain: Domain,
        spec: Any = None,
        size: int = 1,
        random_state: RandomSource = None,
    ) -> Any:
        """Refuse: every value is to be tried, none to be drawn.

        Raises:
            ConfigSpaceError: Always.
        """
        del spec, size, random_state
        raise ConfigSpaceError(
            f"{domain} is marked for grid search, so nothing can be drawn from it. "
            "Use searcher='grid', or choice(...) in place of grid_search(...)"
        )


class Quantized(Sampler):
    """Rounds what another sampler draws to multiples of `q`.

    Args:
        sampler: The sampler to round.
        q: Step between values, positive.
    """

    def __init__(self, sampler: Sampler, q: float) -> None:
        if isinstance(sampler, Quantized):
            raise ConfigSpaceError("Quantized: the sampler is quantized already")
        if not (math.isfinite(q) and q > 0):
            raise ConfigSpaceError(f"Quantized: q={q} must be finite and positive")
        self.sampler = sampler
        self.q = q

    def get_sampler(self) -> Sampler:
        """The sampler whose values are rounded."""
        return self.sampler

    def sample(
        self,
        domain: Domain,
        spec: Any = None,
        size: int = 1,
        random_state: RandomSource = None,
    ) -> Any:
        """Draw values and round them (see `Sampler.sample`)."""
        if draws_by_quantile(self.sampler):
            return super().sample(domain, spec, size, random_state)
        values = self.sampler.sample(domain, spec, size, random_state)
        return domain.cast(values) if size == 1 else [domain.cast(value) for value in values]


def split_quantized(sampler: Sampler) -> tuple[Sampler, float | None]:
    """A sampler without its rounding, and the step of the rounding (None: not rounded)."""
    if isinstance(sampler, Quantized):
        return sampler.sampler, sampler.q
    return sampler, None


def draws_by_quantile(sampler: Sampler) -> bool:
    """Whether the sampler leaves drawing to the domain's `from_unit`, as the built-in ones do."""
    inner, _ = split_quantized(sampler)
    return type(inner).sample is Sampler.sample


def random_source(
    random_state: RandomSource,
) -> np.random.Generator | np.random.RandomState:
    """The given source of randomness, or a fresh one.

    Raises:
        ConfigSpaceError: If it is neither a numpy generator nor None.
    """
    if random_state is not None:
        if not hasattr(random_state, "random"):
            raise ConfigSpaceError(
                f"random_state={random_state!r} must be a numpy.random.Generator, "
                "a numpy.random.RandomState or None"
            )
        return random_state
    import numpy as np

    return np.random.default_rng()
