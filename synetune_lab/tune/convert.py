"""From the nested search space of a user to the flat one of the tuner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synetune_lab.config_space import Categorical, Domain, Float
from synetune_lab.config_space.samplers import Normal, split_quantized
from synetune_lab.errors import ConfigSpaceError, InvalidConfigError
from synetune_lab.tune.grid import GridPoints
from synetune_lab.tune.search_space import GRID_KEY, AnyChoice, choice
from synetune_lab.tune.template import REQUIRED, Branch, ConfigTemplate, Kept, Slot, label_of

__all__ = ["SearchSpace", "flat_values"]

_SCALARS = (bool, int, float, str, type(None))
_WIDTH = 4.0
"""So many standard deviations a normal distribution reaches where bounds are needed."""
PLACEHOLDER = "no_hyperparameters"
"""The constant of a space that has nothing in it."""


@dataclass
class SearchSpace:
    """A search space, converted.

    Attributes:
        config_space: Domains and constants by their paths.
        template: Makes the user's configurations of flat ones.
        grid: Names whose values are all to be tried, in the order of the space.
        conditions: For a hyperparameter of a branch: the name and the label that choose it.
    """

    config_space: dict[str, Any] = field(default_factory=dict)
    template: ConfigTemplate = field(default_factory=ConfigTemplate)
    grid: tuple[str, ...] = ()
    conditions: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> SearchSpace:
        """Convert what a user wrote.

        Raises:
            ConfigSpaceError: If an entry is not possible; the message names its path.
        """
        if config is not None and not isinstance(config, Mapping):
            raise ConfigSpaceError(f"config must be a dictionary, got {config!r:.100}")
        space = cls()
        space.template.shape = {
            key: space._walk(entry, _path("", key)) for key, entry in (config or {}).items()
        }
        if not space.config_space:
            space.config_space[PLACEHOLDER] = True
        return space

    def _walk(self, entry: Any, path: str) -> Any:
        """The entry's part of the template; what can be tuned goes into the space."""
        if isinstance(entry, Mapping) and list(entry) == [GRID_KEY]:
            self.grid += (path,)
            return self._domain(choice(_grid_values(path, entry[GRID_KEY])), path)
        if isinstance(entry, (Domain, AnyChoice)):
            if isinstance(entry, Categorical) and entry.is_grid():
                self.grid += (path,)
                entry = choice(entry.categories)
            return self._domain(entry, path)
        if isinstance(entry, Mapping) and entry:
            if not all(isinstance(key, str) for key in entry) and not _is_searched(entry):
                return Kept(entry)
            return {key: self._walk(value, _path(path, key)) for key, value in entry.items()}
        if isinstance(entry, (list, tuple)) and _is_searched(entry):
            walked = [self._walk(value, f"{path}/{index}") for index, value in enumerate(entry)]
            return tuple(walked) if isinstance(entry, tuple) else walked
        if _is_constant(entry) and not path.startswith("st_"):
            self._add(path, entry)
            return Slot(path, entry)
        return Kept(entry)

    def _domain(self, entry: Domain | AnyChoice, path: str) -> Slot:
        if isinstance(entry, AnyChoice):
            labels = _labels(entry.categories)
            self.template.labels[path] = labels
            self._add(path, Categorical(list(labels)).uniform())
            for number, (label, value) in enumerate(labels.items()):
                if _is_searched(value):
                    labels[label] = self._branch(value, path, label, number)
            return Slot(path, REQUIRED)
        self._add(path, entry)
        return Slot(path, REQUIRED)

    def _branch(self, value: Any, path: str, label: str, number: int) -> Branch:
        """A value that has hyperparameters of its own."""
        before = set(self.config_space)
        branch = Branch(self._walk(value, f"{path}/{number}"))
        for name in set(self.config_space) - before:
            self.conditions.setdefault(name, (path, label))
        return branch

    def _add(self, path: str, entry: Any) -> None:
        if path in self.config_space:
            raise ConfigSpaceError(f"{path}: two entries of config have this path")
        self.config_space[path] = entry

    # What is in it

    @property
    def hyperparameters(self) -> list[str]:
        """Names of all that is not constant."""
        return [name for name, entry in self.config_space.items() if isinstance(entry, Domain)]

    def grid_points(self, names: Sequence[str] | None = None) -> GridPoints:
        """All combinations of the values of the grid, in the order of Ray Tune.

        The first name in the order of the alphabet moves fastest.
        """
        chosen = self.grid if names is None else tuple(names)
        ordered = sorted(chosen, key=lambda name: name.split("/"), reverse=True)
        values = {name: list(self.config_space[name].members() or ()) for name in ordered}
        conditional = [name for name in ordered if name in self.conditions]
        if not conditional:
            return GridPoints(values)

        # What belongs to a branch that is not chosen is not gone through.
        def counts(point: Mapping[str, Any]) -> bool:
            return all(
                point[name] == values[name][0] or self._counts(name, point) for name in conditional
            )

        return GridPoints(values, counts)

    def _counts(self, name: str, point: Mapping[str, Any]) -> bool:
        """Whether a hyperparameter's branch is chosen; those of no branch always count."""
        if name not in self.conditions:
            return True
        parent, label = self.conditions[name]
        return point.get(parent, label) == label and self._counts(parent, point)

    def point(self, nested: Mapping[str, Any]) -> dict[str, Any]:
        """The flat form of a configuration of `points_to_evaluate`, which may be partial.

        Raises:
            InvalidConfigError: If it has what the space has not.
        """
        flat = flat_values(nested, self.template)
        return {name: value for name, value in flat.items() if name in self.hyperparameters}

    def bounded(self) -> SearchSpace:
        """The space with bounds for all numbers, which models need.

        Raises:
            ConfigSpaceError: If it has a grid or a function, which a model can't choose from.
        """
        if self.grid:
            raise ConfigSpaceError(
                f"{self.grid[0]}: grid_search goes with the default search algorithm only; use "
                "choice(...) where another one chooses"
            )
        space = dict(self.config_space)
        for name, entry in space.items():
            if isinstance(entry, Domain) and entry.is_function():
                raise ConfigSpaceError(
                    f"{name}: sample_from goes with the default search algorithm only, which draws "
                    "at random"
                )
            if isinstance(entry, Float):
                space[name] = _with_bounds(entry)
        return SearchSpace(space, self.template, conditions=self.conditions)


def flat_values(nested: Mapping[str, Any], template: ConfigTemplate) -> dict[str, Any]:
    """The values of a nested configuration by the names of the slots where they are.

    Raises:
        InvalidConfigError: If it has what the template has not.
    """
    flat: dict[str, Any] = {}
    _read(nested, template.shape, "", flat)
    for name, labels in template.labels.items():
        if name in flat:
            flat[name] = _label_for(name, flat[name], labels)
    return flat


def _path(before: str, key: Any) -> str:
    if not isinstance(key, (str, int)) or key == "" or (not before and not isinstance(key, str)):
        raise ConfigSpaceError(f"{before or 'config'}: the name {key!r} must be a text")
    return f"{before}/{key}" if before else str(key)


def _grid_values(path: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__") or not list(values):
        raise ConfigSpaceError(f"{path}: grid_search needs a list of values, got {values!r:.100}")
    return list(values)


def _is_searched(entry: Any) -> bool:
    if isinstance(entry, (Domain, AnyChoice)):
        return True
    if isinstance(entry, Mapping):
        return list(entry) == [GRID_KEY] or any(_is_searched(value) for value in entry.values())
    return isinstance(entry, (list, tuple)) and any(_is_searched(value) for value in entry)


def _is_constant(entry: Any) -> bool:
    if isinstance(entry, float) and not math.isfinite(entry):
        return False
    return type(entry) in _SCALARS


def _labels(categories: Sequence[Any]) -> dict[str, Any]:
    """A text for each value, all different."""
    labels: dict[str, Any] = {}
    for value in categories:
        text = label = label_of(value)
        count = 2
        while label in labels:
            label, count = f"{text} ({count})", count + 1
        labels[label] = value
    return labels


def _label_for(name: str, value: Any, labels: Mapping[str, Any]) -> str:
    for label, known in labels.items():
        if isinstance(known, Branch):
            continue  # there is no telling which values it may have
        if known is value or (type(known) is type(value) and bool(known == value)):
            return label
    raise InvalidConfigError(f"{name}: {value!r} is none of the choices {list(labels)}")


def _read(nested: Any, shape: Any, path: str, flat: dict[str, Any]) -> None:
    """Collect the values of a nested configuration by the names of the slots where they are."""
    if isinstance(shape, Slot):
        flat[shape.name] = nested
        return
    if not isinstance(shape, (dict, list, tuple)):
        return
    items = nested.items() if isinstance(nested, Mapping) else enumerate(nested)
    for key, value in items:
        if isinstance(shape, dict) and key not in shape:
            raise InvalidConfigError(
                f"{path}{key}: not in the configuration space; known are {', '.join(shape)}"
            )
        _read(value, shape[key], f"{path}{key}/", flat)


def _with_bounds(domain: Float) -> Float:
    sampler, step = split_quantized(domain.get_sampler())
    if not isinstance(sampler, Normal) or math.isfinite(domain.upper - domain.lower):
        return domain
    low, high = sampler.mean - _WIDTH * sampler.sd, sampler.mean + _WIDTH * sampler.sd
    if step is not None:
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    bounded = Float(max(low, domain.lower), min(high, domain.upper))
    bounded = bounded.normal(sampler.mean, sampler.sd)
    return bounded if step is None else bounded.quantized(step)
