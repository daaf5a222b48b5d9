"""Functions with a known optimum as blackboxes, to try methods on.

Branin, Hartmann and Rosenbrock as in Surjanovic, Bingham: Virtual Library of Simulation
Experiments, https://www.sfu.ca/~ssurjano. The multi-fidelity Hartmann functions take the form of
Kandasamy, Dasarathy, Schneider, Poczos: Multi-fidelity Bayesian Optimisation with Continuous
Approximations, https://arxiv.org/abs/1703.06240: at the share z of the fidelity, each of the four
weights is lowered by 0.1 (1 - z).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox import Blackbox, from_function
from synetune_lab.config_space import randint, uniform
from synetune_lab.errors import BlackboxError

__all__ = ["ANALYTIC", "AnalyticFunction", "analytic_blackbox"]

_MAX_EPOCHS = 27
_BIAS = 0.1

_HARTMANN_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN3_A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_HARTMANN3_P = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
_HARTMANN6_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN6_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _point(configuration: Mapping[str, Any]) -> np.ndarray:
    return np.array([configuration[f"x{i}"] for i in range(len(configuration))], dtype=np.float64)


def branin(configuration: Mapping[str, Any]) -> float:
    """Branin's function; three minima of 0.397887."""
    x0, x1 = _point(configuration)
    bend = x1 - 5.1 / (4 * math.pi**2) * x0**2 + 5 / math.pi * x0 - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x0) + 10)


def rosenbrock(configuration: Mapping[str, Any]) -> float:
    """Rosenbrock's valley; its minimum is 0, where all coordinates are 1."""
    x = _point(configuration)
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def _hartmann(x: np.ndarray, a: np.ndarray, p: np.ndarray, weights: np.ndarray) -> float:
    return float(-weights @ np.exp(-np.sum(a * (x - p) ** 2, axis=1)))


def hartmann3(configuration: Mapping[str, Any]) -> float:
    """Hartmann's function of 3 variables; its minimum is -3.86278."""
    return _hartmann(_point(configuration), _HARTMANN3_A, _HARTMANN3_P, _HARTMANN_WEIGHTS)


def hartmann6(configuration: Mapping[str, Any]) -> float:
    """Hartmann's function of 6 variables; its minimum is -3.32237."""
    return _hartmann(_point(configuration), _HARTMANN6_A, _HARTMANN6_P, _HARTMANN_WEIGHTS)


@dataclass(frozen=True)
class AnalyticFunction:
    """A function with a known optimum.

    Attributes:
        function: Of a configuration with the entries `x0`, `x1`, ...
        bounds: Range of each variable.
        minimum: Its least value.
        weighted: For a multi-fidelity form, the matrices `(A, P)`; None for one without fidelity.
    """

    function: Callable[[Mapping[str, Any]], float]
    bounds: tuple[tuple[float, float], ...]
    minimum: float
    weighted: tuple[np.ndarray, np.ndarray] | None = None


ANALYTIC: dict[str, AnalyticFunction] = {
    "branin": AnalyticFunction(branin, ((-5.0, 10.0), (0.0, 15.0)), 0.39788735772973816),
    "hartmann3": AnalyticFunction(hartmann3, ((0.0, 1.0),) * 3, -3.862779786949365),
    "hartmann6": AnalyticFunction(hartmann6, ((0.0, 1.0),) * 6, -3.322368011391339),
    "rosenbrock": AnalyticFunction(rosenbrock, ((-2.0, 2.0),) * 2, 0.0),
    "hartmann3-mf": AnalyticFunction(
        hartmann3, ((0.0, 1.0),) * 3, -3.862779786949365, (_HARTMANN3_A, _HARTMANN3_P)
    ),
    "hartmann6-mf": AnalyticFunction(
        hartmann6, ((0.0, 1.0),) * 6, -3.322368011391339, (_HARTMANN6_A, _HARTMANN6_P)
    ),
}
"""The functions by the names that `load_blackbox` knows."""


class _Evaluation:
    """The function as a blackbox reports it; a class, so that it can be saved with a tuner."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(
        self, configuration: Mapping[str, Any], fidelity: Mapping[str, Any] | None = None
    ) -> dict[str, float]:
        known = ANALYTIC[self.name]
        if fidelity is None or known.weighted is None:
            return {"metric_value": known.function(configuration), "metric_elapsed_time": 1.0}
        epochs = fidelity["epochs"]
        share = epochs / _MAX_EPOCHS
        weights = _HARTMANN_WEIGHTS - _BIAS * (1.0 - share)
        a, p = known.weighted
        # What is nearer to the last variable's upper end takes longer.
        seconds = 1.0 + configuration[f"x{len(known.bounds) - 1}"]
        return {
            "metric_value": _hartmann(_point(configuration), a, p, weights),
            "metric_elapsed_time": seconds * epochs,
        }


def analytic_blackbox(name: str) -> Blackbox:
    """A function as a blackbox with the objectives `metric_value` and `metric_elapsed_time`.

    The multi-fidelity ones have the fidelity `epochs`, from 1 to 27; at 27 they are the function
    itself, and at less their values are above it.

    Args:
        name: One of `ANALYTIC`.

    Raises:
        BlackboxError: If the name is not known.
    """
    if name not in ANALYTIC:
        raise BlackboxError(f"{name!r} is not a known function; there are {sorted(ANALYTIC)}")
    known = ANALYTIC[name]
    space = {f"x{i}": uniform(low, high) for i, (low, high) in enumerate(known.bounds)}
    return from_function(
        space,
        _Evaluation(name),
        None if known.weighted is None else {"epochs": randint(1, _MAX_EPOCHS)},
        ["metric_value", "metric_elapsed_time"],
    )
