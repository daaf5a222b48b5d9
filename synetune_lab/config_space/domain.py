"""What all domains have in common.

A domain is a set of values of one type together with a prior on them. It is a value: methods that
change something return a copy. Subclasses keep one convention, by which `to_dict` and `from_dict`
work for a user's own subclasses too: each argument of the constructor is a member of the same name,
and all other members (but `sampler`) begin with an underscore.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from synetune_lab.config_space.samplers import Grid, Sampler, Uniform
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from synetune_lab.config_space.samplers import RandomSource

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Domain", "constructor_arguments"]

DomainT = TypeVar("DomainT", bound="Domain")

# Reading a signature takes long, and equality needs it each time.
_ARGUMENTS: dict[type[Any], tuple[str, ...]] = {}


class Domain:
    """A type, the values of that type that are allowed, and a prior on them.

    Attributes:
        sampler: How values are drawn; None takes `default_sampler_cls`.
        default_sampler_cls: Sampler of domains that were given none.
    """

    sampler: Sampler | None = None
    default_sampler_cls: type[Sampler] | None = None
    known: ClassVar[dict[str, type[Domain]]] = {}
    """Every subclass by its name, for `from_dict`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Domain.known.setdefault(cls.__name__, cls)

    # Values

    @property
    def value_type(self) -> type:
        """Type of the values: str, int, float or bool."""
        raise NotImplementedError

    def cast(self, value: Any) -> Any:
        """Bring a value to the domain's type; a finite domain rounds to its nearest value.

        The result may still lie outside the bounds: see `clip`.

        Raises:
            InvalidConfigError: If the value can't be read as this type.
        """
        raise NotImplementedError

    def clip(self, value: Any) -> Any:
        """The value of the domain nearest to `value`.

        Raises:
            InvalidConfigError: If there is no such thing, as among unordered choices.
        """
        raise NotImplementedError

    def is_valid(self, value: Any) -> bool:
        """Whether `value` has the domain's type and is one of its values."""
        raise NotImplementedError

    def num_values(self) -> int | None:
        """Number of different values, or None if there are infinitely many."""
        return None

    def members(self) -> Sequence[Any] | None:
        """All values in their order, or None if there are infinitely many."""
        return None

    def match_string(self, value: Any) -> str:
        """A text that two values share if and only if they count as equal.

        Args:
            value: A value of the domain's type; `cast` it before if unsure.
        """
        raise NotImplementedError

    @property
    def domain_str(self) -> str:
        """The values in short, as `(lower, upper)`."""
        raise NotImplementedError

    # The prior

    def from_unit(self, unit: FloatArray, sampler: Sampler | None = None) -> list[Any]:
        """Map numbers of [0, 1], shape (n,), to n values: uniform numbers become draws.

        Args:
            unit: Numbers of [0, 1].
            sampler: Prior to use instead of the domain's own.
        """
        raise NotImplementedError

    def to_unit(self, values: Sequence[Any]) -> FloatArray:
        """Position of each of n values in [0, 1], shape (n,); `from_unit` brings it back."""
        raise NotImplementedError

    def unit_interval(self, active: Domain) -> tuple[float, float]:
        """The part of [0, 1] that `from_unit` maps into the smaller domain `active`.

        Raises:
            ConfigSpaceError: If `active` is not a contiguous part of this domain.
        """
        raise NotImplementedError

    def midpoint(self) -> Any:
        """The value used where none is given: the middle on the domain's own scale."""
        import numpy as np

        return self.from_unit(np.array([0.5]))[0]

    @property
    def scale(self) -> str:
        """`linear`, `log`, `reverse_log`, `normal`, or `none` for unordered values."""
        return "none"

    # Samplers

    def set_sampler(self, sampler: Sampler, allow_override: bool = False) -> None:
        """Give the domain its sampler.

        Args:
            sampler: The sampler.
            allow_override: Whether it may replace one that was set before.

        Raises:
            ConfigSpaceError: If there is one already and it may not be replaced.
        """
        if self.sampler is not None and not allow_override:
            raise ConfigSpaceError(
                f"{type(self).__name__} has the sampler {self.sampler!r} already, so {sampler!r} "
                "can't be set. Pass allow_override=True to replace it"
            )
        self.sampler = sampler

    def get_sampler(self) -> Sampler:
        """The sampler, or the default one if none was set."""
        if self.sampler is not None:
            return self.sampler
        return (self.default_sampler_cls or Uniform)()

    def sample(self, spec: Any = None, size: int = 1, random_state: RandomSource = None) -> Any:
        """Draw values (see `Sampler.sample`)."""
        return self.get_sampler().sample(self, spec, size, random_state)

    def is_grid(self) -> bool:
        """Whether every value is to be tried by grid search (`grid_search`)."""
        return isinstance(self.sampler, Grid)

    def is_function(self) -> bool:
        """Whether values come from a function (`sample_from`)."""
        return False

    def validate(self) -> None:
        """Check that values can be drawn.

        Raises:
            ConfigSpaceError: If bounds, values and sampler do not go together.
        """

    def _with_sampler(self: DomainT, sampler: Sampler, allow_override: bool = False) -> DomainT:
        """A copy with another sampler."""
        other = copy.copy(self)
        other.set_sampler(sampler, allow_override)
        other.validate()
        return other

    # Equality

    def _identity(self) -> tuple[Any, ...]:
        arguments = (getattr(self, name) for name in constructor_arguments(type(self)))
        return tuple(tuple(a) if isinstance(a, list) else a for a in arguments)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Domain):
            return NotImplemented
        return self._identity() == other._identity() and self.get_sampler() == other.get_sampler()

    def __hash__(self) -> int:
        return hash((type(self), self._identity()))

    def __repr__(self) -> str:
        names = constructor_arguments(type(self))
        arguments = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({arguments})"


def constructor_arguments(cls: type[Any]) -> tuple[str, ...]:
    """Names of the arguments of a domain's or sampler's constructor."""
    if cls not in _ARGUMENTS:
        _ARGUMENTS[cls] = _read_arguments(cls)
    return _ARGUMENTS[cls]


def _read_arguments(cls: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(cls).parameters.values()
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
