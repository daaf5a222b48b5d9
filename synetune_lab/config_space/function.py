"""Values that a user's function makes up, as Ray Tune's `sample_from`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.samplers import Sampler
from synetune_lab.errors import ConfigSpaceError

if TYPE_CHECKING:
    from synetune_lab.config_space.samplers import RandomSource

__all__ = ["Function", "sample_from"]


class Function(Domain):
    """Values of a function of the rest of the configuration. Only random search can draw them.

    Args:
        func: Called without arguments, or with one: an object whose `config` has the values drawn
            so far as attributes and as items (`spec.config.lr`, `spec.config["lr"]`). If it has a
            parameter `random_state`, it gets the searcher's, and draws are reproducible.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        if not callable(func):
            raise ConfigSpaceError(f"sample_from: func={func!r} must be a function")
        self.func = func
        parameters = _parameters_of(func)
        self._wants_random_state = "random_state" in parameters
        self._wants_spec = any(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
            for name, p in parameters.items()
            if name != "random_state"
        )

    @property
    def value_type(self) -> type:
        """Unknown before the function is called: object."""
        return object

    @property
    def domain_str(self) -> str:
        """Name of the function."""
        return f"<{getattr(self.func, '__qualname__', repr(self.func))}>"

    def is_function(self) -> bool:
        """True."""
        return True

    def cast(self, value: Any) -> Any:
        """The value as it is."""
        return value

    def clip(self, value: Any) -> Any:
        """The value as it is."""
        return value

    def is_valid(self, value: Any) -> bool:
        """True: only the function knows."""
        del value
        return True

    def match_string(self, value: Any) -> str:
        """Printed form of the value."""
        return repr(value)

    def get_sampler(self) -> Sampler:
        """A plain sampler; the function draws itself."""
        return self.sampler or Sampler()

    def sample(self, spec: Any = None, size: int = 1, random_state: RandomSource = None) -> Any:
        """Call the function `size` times.

        Args:
            spec: The configuration so far, or an object with it as `config`.
            size: Number of calls.
            random_state: Handed to functions that have a parameter of this name.
        """
        arguments = [_Spec(spec)] if self._wants_spec else []
        keywords = {"random_state": random_state} if self._wants_random_state else {}
        values = [self.func(*arguments, **keywords) for _ in range(size)]
        return values[0] if size == 1 else values

    def __repr__(self) -> str:
        return f"sample_from({self.domain_str})"


def _parameters_of(func: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Its parameters; none for a builtin that does not tell them, such as `int`."""
    try:
        return inspect.signature(func).parameters
    except (TypeError, ValueError):
        return {}


class _Config(dict[str, Any]):
    """A configuration whose entries are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _Spec(SimpleNamespace):
    """What a function of `sample_from` is called with."""

    def __init__(self, spec: Any) -> None:
        config = spec if isinstance(spec, Mapping) else getattr(spec, "config", None) or {}
        super().__init__(config=_Config(config))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def sample_from(func: Callable[..., Any]) -> Function:
    """A value that a function makes up for each configuration (see `Function`)."""
    return Function(func)
