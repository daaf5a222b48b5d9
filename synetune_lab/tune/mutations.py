"""How population-based training changes a configuration that it copies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from synetune_lab.config_space import Categorical, Domain, Float, Function, Integer
from synetune_lab.errors import TuneError
from synetune_lab.tune.convert import SearchSpace, flat_values
from synetune_lab.tune.search_space import AnyChoice, choice
from synetune_lab.tune.template import ConfigTemplate, flatten

__all__ = ["Mutation", "mutated_space", "with_first_values"]

Entry = Any
"""A domain, a list of values, or a function without arguments."""


class Mutation:
    """Changes the entries that may be changed, and leaves the others as they are.

    An entry is drawn afresh with a probability. Else a number is multiplied by one of two factors,
    and of a list of values a neighbour is taken.

    Args:
        entries: What each changeable hyperparameter may become, by its flat name.
        template: Makes the user's configuration, for `custom`.
        resample_probability: Probability of drawing afresh.
        factors: The two factors.
        custom: Changes the user's configuration further, and returns it.
        seed: Of the random draws.
    """

    def __init__(
        self,
        entries: Mapping[str, Entry],
        template: ConfigTemplate,
        resample_probability: float,
        factors: tuple[float, float],
        custom: Callable[[dict[str, Any]], Mapping[str, Any]] | None,
        seed: int | None,
    ) -> None:
        self.entries = dict(entries)
        self.template = template
        self.resample_probability = resample_probability
        self.factors = factors
        self.custom = custom
        self._random = np.random.RandomState(seed)

    def __call__(self, config: dict[str, Any]) -> dict[str, Any]:
        """A changed copy of a flat configuration."""
        changed = dict(config)
        for name, entry in self.entries.items():
            changed[name] = self._change(name, entry, config[name])
        if self.custom is None:
            return changed
        given = self.custom(self.template.nest(changed))
        if not isinstance(given, Mapping):
            raise TuneError(f"custom_explore_fn must return a configuration, got {given!r:.100}")
        values = flat_values(given, self.template)
        return {name: values.get(name, value) for name, value in changed.items()}

    def _change(self, name: str, entry: Entry, value: Any) -> Any:
        afresh = self._random.random_sample() < self.resample_probability
        if isinstance(entry, (list, tuple)):
            labels = self.template.labels.get(name)
            values = list(labels) if labels else list(entry)
            if afresh or value not in values:
                return values[self._random.randint(len(values))]
            step = 2 * int(self._random.randint(2)) - 1
            return values[min(max(values.index(value) + step, 0), len(values) - 1)]
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        unordered = isinstance(entry, Categorical) and entry.members() is not None
        if afresh or unordered or not is_number:
            return self._draw(entry)
        moved = value * self.factors[self._random.randint(2)]
        if isinstance(entry, (Float, Integer)):
            return entry.clip(entry.cast(moved))
        return round(moved) if isinstance(value, int) else moved

    def _draw(self, entry: Entry) -> Any:
        value = entry.sample(random_state=self._random) if isinstance(entry, Domain) else entry()
        return value.item() if hasattr(value, "item") else value


def mutated_space(
    space: SearchSpace, mutations: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Entry]]:
    """What a scheduler works with if hyperparameters may become what `mutations` says.

    Args:
        space: The search space.
        mutations: Nested: domains, lists of values, or functions without arguments.

    Returns:
        The configuration space, wide enough for both; and the mutations by their flat names.

    Raises:
        TuneError: If a mutation is not possible.
    """
    config_space = dict(space.config_space)
    entries: dict[str, Entry] = {}
    for name, entry in flatten(mutations).items():
        given: Any = tuple(entry.categories) if isinstance(entry, AnyChoice) else entry
        if not isinstance(given, (Domain, list, tuple)) and not callable(given):
            raise TuneError(
                f"hyperparam_mutations[{name!r}] must be a domain, a list of values or a function, "
                f"got {given!r:.100}"
            )
        if name not in config_space:
            raise TuneError(
                f"hyperparam_mutations[{name!r}] is not in config; known are "
                f"{', '.join(config_space)}"
            )
        entries[name] = given
        if name not in space.template.labels:
            config_space[name] = _wide_enough(config_space[name], given)
    return config_space, entries


def with_first_values(config: Mapping[str, Any], mutations: Mapping[str, Any]) -> dict[str, Any]:
    """The user's search space, where what only the mutations name draws its first value from them.

    Raises:
        TuneError: If a mutation is not possible.
    """
    full = dict(config)
    for key, entry in mutations.items():
        if isinstance(entry, Mapping):
            inner = full.get(key, {})
            if not isinstance(inner, Mapping):
                raise TuneError(f"hyperparam_mutations[{key!r}]: config has {inner!r:.100} there")
            full[key] = with_first_values(inner, entry)
        elif key not in full:
            if isinstance(entry, (list, tuple)):
                full[key] = choice(entry)
            elif callable(entry) and not isinstance(entry, (Domain, AnyChoice)):
                full[key] = Function(_Draw(entry))
            else:
                full[key] = entry
    return full


class _Draw:
    """Calls a function without arguments, whatever optional ones it has."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def __call__(self) -> Any:
        return self.function()


def _wide_enough(now: Any, mutation: Entry) -> Any:
    """A domain with the values that there are now and those that there may be."""
    values = _extremes(now), _extremes(mutation)
    if None in values:
        return Function(_any)
    numbers = [number for pair in values if pair is not None for number in pair]
    low, high = min(numbers), max(numbers)
    if not math.isfinite(high - low):
        return now if now == mutation else Function(_any)
    if any(isinstance(number, float) for number in numbers):
        return now if _covers(now, low, high) else Float(low, high)
    return now if _covers(now, low, high) else Integer(int(low), int(high))


def _any() -> float:
    return 0.0


def _covers(domain: Any, low: float, high: float) -> bool:
    is_range = isinstance(domain, (Float, Integer))
    return is_range and domain.step is None and domain.lower <= low and high <= domain.upper


def _extremes(entry: Any) -> Sequence[float] | None:
    """Smallest and largest number of an entry; None if it is not one of numbers."""
    if isinstance(entry, (Float, Integer)):
        return entry.lower, entry.upper
    if isinstance(entry, Domain):
        members = entry.members()
    else:
        members = entry if isinstance(entry, (list, tuple)) else [entry]
    is_number = members is not None and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in members
    )
    return (min(members), max(members)) if members and is_number else None
