"""Functions to minimise, each with its known optimum.

Branin, Hartmann, Ackley, Levy and Rosenbrock as in Surjanovic, Bingham: Virtual Library of
Simulation Experiments, https://www.sfu.ca/~ssurjano.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.regret_study import recorded
from benchmarks.regret_study.space import Choice, Config, Number, Parameter


@dataclass(frozen=True)
class Problem:
    """A function, its space and its minimum."""

    space: tuple[Parameter, ...]
    value: Callable[[Config], float]
    optimum: float


_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_A3 = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_P3 = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
_A6 = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_P6 = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
# Where the minimum of Ackley's function is moved to: in the middle it would be too easily met.
_SHIFT = np.array([2.3, -4.1, 6.7, -1.9, 3.4])


def branin(x: np.ndarray) -> float:
    """Three minima of the same value."""
    bend = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


def hartmann(x: np.ndarray, a: np.ndarray, p: np.ndarray) -> float:
    """Four wells."""
    return float(-_WEIGHTS @ np.exp(-np.sum(a * (x - p) ** 2, axis=1)))


def ackley(x: np.ndarray) -> float:
    """A funnel full of small wells."""
    near = x - _SHIFT[: len(x)]
    smooth = -20 * math.exp(-0.2 * math.sqrt(float(np.mean(near**2))))
    return smooth - math.exp(float(np.mean(np.cos(2 * math.pi * near)))) + 20 + math.e


def levy(x: np.ndarray) -> float:
    """Waves on a bowl; the minimum is at 1."""
    w = 1 + (x - 1) / 4
    first = math.sin(math.pi * w[0]) ** 2
    last = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)
    return float(first + np.sum(middle) + last)


def log_rosenbrock(x: np.ndarray) -> float:
    """log(1 + f) of a bent valley; the minimum is at 1."""
    return math.log1p(float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)))


# Each optimiser has a learning rate that suits it, and an error that it does not get below.
_OPTIMISERS = {"sgd": (-1.0, 0.2), "adam": (-3.0, 0.0), "rmsprop": (-3.6, 0.1)}
_ACTIVATIONS = {"relu": 0.05, "tanh": 0.15, "gelu": 0.0, "logistic": 0.3}


def network(config: Config) -> float:
    """Like the error of a network: learning rate by optimiser, depth against width; minimum 0."""
    best_rate, floor = _OPTIMISERS[config["optimiser"]]
    rate = 0.15 * (math.log10(config["learning_rate"]) - best_rate) ** 2
    size = math.log2(config["width"]) + 0.8 * (config["depth"] - 3) - 6
    depth = 0.04 * (config["depth"] - 3) ** 2
    # The deeper, the more dropout it takes.
    dropout = 1.5 * (config["dropout"] - 0.1 * config["depth"]) ** 2
    return rate + floor + 0.06 * size**2 + depth + dropout + _ACTIVATIONS[config["activation"]]


_NETWORK_SPACE: tuple[Parameter, ...] = (
    Choice("optimiser", tuple(_OPTIMISERS)),
    Choice("activation", tuple(_ACTIVATIONS)),
    Number("learning_rate", 1e-5, 1.0, log=True),
    Number("dropout", 0.0, 0.9),
    Number("depth", 1, 6, whole=True),
    Number("width", 8, 512, log=True, whole=True),
)


def _of_box(
    function: Callable[..., float],
    bounds: Sequence[tuple[float, float]],
    optimum: float,
    *more: Any,
) -> Problem:
    space = tuple(Number(f"x{i}", low, high) for i, (low, high) in enumerate(bounds))

    def value(config: Config) -> float:
        return function(np.array([config[one.name] for one in space], dtype=float), *more)

    return Problem(space, value, optimum)


def _of_table(name: str) -> Problem:
    table = recorded.table(name)
    return Problem(table.space, table.value, table.optimum)


_MAKERS: dict[str, Callable[[], Problem]] = {
    "branin": lambda: _of_box(branin, [(-5, 10), (0, 15)], 0.39788735772973816),
    "hartmann3": lambda: _of_box(hartmann, [(0, 1)] * 3, -3.862779787332663, _A3, _P3),
    "hartmann6": lambda: _of_box(hartmann, [(0, 1)] * 6, -3.322368011415512, _A6, _P6),
    "ackley5": lambda: _of_box(ackley, [(-10, 10)] * 5, 0.0),
    "levy4": lambda: _of_box(levy, [(-10, 10)] * 4, 0.0),
    "log-rosenbrock3": lambda: _of_box(log_rosenbrock, [(-2, 2)] * 3, 0.0),
    "network": lambda: Problem(_NETWORK_SPACE, network, 0.0),
    "digits-mlp": lambda: _of_table("digits-mlp"),
    "tumor-boosting": lambda: _of_table("tumor-boosting"),
}
FUNCTIONS = tuple(_MAKERS)


@cache
def problem(name: str) -> Problem:
    """A function by its name."""
    return _MAKERS[name]()
