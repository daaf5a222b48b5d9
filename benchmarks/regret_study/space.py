"""The space of a function, in a form that each package's own space is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Number:
    """A number in [low, high]; log: sampled and encoded on a logarithm."""

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    @property
    def width(self) -> int:
        """Coordinates that it takes in the unit cube."""
        return 1

    def encode(self, value: float) -> list[float]:
        """Its place in [0, 1]."""
        low, high = self._ends()
        own = math.log(value) if self.log else value
        return [(own - low) / (high - low)]

    def decode(self, unit: Sequence[float]) -> float | int:
        """The value at a place in [0, 1]."""
        low, high = self._ends()
        value = low + float(unit[0]) * (high - low)
        value = math.exp(value) if self.log else value
        value = min(max(value, self.low), self.high)
        return round(value) if self.whole else value

    def sample(self, random: np.random.Generator) -> float | int:
        """A random value."""
        if not self.whole:
            return self.decode([random.random()])
        # Half a step more at either end, so that the ends are as likely as the rest.
        low, high = (edge(self.low - 0.5, self.log), edge(self.high + 0.5, self.log))
        value = random.uniform(low, high)
        rounded = round(math.exp(value) if self.log else value)
        return int(min(max(rounded, self.low), self.high))

    def _ends(self) -> tuple[float, float]:
        return edge(self.low, self.log), edge(self.high, self.log)


@dataclass(frozen=True)
class Choice:
    """A category."""

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """Coordinates that it takes in the unit cube, one-hot."""
        return len(self.values)

    def encode(self, value: str) -> list[float]:
        """One-hot."""
        return [float(value == one) for one in self.values]

    def decode(self, unit: Sequence[float]) -> str:
        """The category of the largest entry."""
        return self.values[int(np.argmax(unit))]

    def sample(self, random: np.random.Generator) -> str:
        """A random category."""
        return self.values[int(random.integers(len(self.values)))]


Parameter = Number | Choice


def edge(value: float, log: bool) -> float:
    """A bound, on the scale that is sampled."""
    return math.log(value) if log else value


def encode(space: Sequence[Parameter], config: Config) -> np.ndarray:
    """A configuration in the unit cube."""
    return np.array([x for one in space for x in one.encode(config[one.name])])


def decode(space: Sequence[Parameter], point: Sequence[float]) -> dict[str, Any]:
    """The configuration at a point of the unit cube."""
    config, at = {}, 0
    for one in space:
        config[one.name] = one.decode(point[at : at + one.width])
        at += one.width
    return config


def config_space(package: str, space: Sequence[Parameter]) -> dict[str, Any]:
    """The space as `synetune_lab` and `syne_tune` write it."""
    module = import_module(f"{package}.config_space")
    made: dict[str, Any] = {}
    for one in space:
        if isinstance(one, Choice):
            made[one.name] = module.choice(list(one.values))
        elif one.whole:
            maker = module.lograndint if one.log else module.randint
            made[one.name] = maker(int(one.low), int(one.high))
        else:
            maker = module.loguniform if one.log else module.uniform
            made[one.name] = maker(one.low, one.high)
    return made
