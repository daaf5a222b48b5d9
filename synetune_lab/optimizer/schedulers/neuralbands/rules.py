"""How a bandit chooses among configurations, given what its network predicts for them.

Losses are standardised: predictions of the metric, smaller being better, with the mean of what was
observed taken off, in standard deviations of it. Shape: n candidates.

The spread of a candidate is sqrt(g · Z⁻¹ g / m), with g the gradient of the network's output with
respect to its parameters, m its width, and Z = λI + Σ g gᵀ / m over all that was evaluated. Of Z
only the diagonal is kept, as in the experiments of both papers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from synetune_lab.errors import SchedulerError

__all__ = ["BanditRule", "EpsilonGreedy", "Gap", "ThompsonSampling", "UpperConfidenceBound"]


@dataclass(frozen=True)
class BanditRule:
    """Base class of rules."""

    @property
    def name(self) -> str:
        """What it is called in reasons."""
        return type(self).__name__

    @property
    def perturbation(self) -> float:
        """Standard deviation of the noise that is added to standardised losses in training."""
        return 0.0

    @property
    def regularization(self) -> float | None:
        """λ of the spreads; None if the rule does without them."""
        return None

    def choose(
        self,
        losses: np.ndarray,
        spreads: np.ndarray,
        lowest_known: float,
        random_state: np.random.RandomState,
    ) -> tuple[int, float]:
        """Choose a candidate.

        Args:
            losses: Predicted losses, shape (n,).
            spreads: Their spreads, shape (n,); zeros without `regularization`.
            lowest_known: The lowest prediction for a configuration that was evaluated.
            random_state: Source of randomness.

        Returns:
            The position of the candidate, and its score; smaller scores are better.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class EpsilonGreedy(BanditRule):
    """The candidate with the lowest predicted loss; with probability `epsilon` any.

    Raises:
        SchedulerError: If `epsilon` is not in [0, 1].
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        _require_number("epsilon", self.epsilon, at_most=1.0)

    def choose(
        self,
        losses: np.ndarray,
        spreads: np.ndarray,
        lowest_known: float,
        random_state: np.random.RandomState,
    ) -> tuple[int, float]:
        """See `BanditRule.choose`."""
        del spreads, lowest_known
        explores = random_state.uniform() < self.epsilon
        chosen = 0 if explores else int(np.argmin(losses))
        return chosen, float(losses[chosen])


@dataclass(frozen=True)
class ThompsonSampling(BanditRule):
    """The candidate with the lowest loss drawn from N(predicted, (nu · sqrt(lamdba) · spread)²).

    Zhang, Zhou, Li, Gu: Neural Thompson Sampling, https://arxiv.org/abs/2010.00827, algorithm 1.

    Raises:
        SchedulerError: If `lamdba` is not above 0 or `nu` below 0.
    """

    lamdba: float = 0.1
    nu: float = 0.01

    def __post_init__(self) -> None:
        _require_number("lamdba", self.lamdba, above=True)
        _require_number("nu", self.nu)

    @property
    def regularization(self) -> float:
        """See `BanditRule.regularization`."""
        return self.lamdba

    def choose(
        self,
        losses: np.ndarray,
        spreads: np.ndarray,
        lowest_known: float,
        random_state: np.random.RandomState,
    ) -> tuple[int, float]:
        """See `BanditRule.choose`."""
        del lowest_known
        noise = random_state.standard_normal(len(losses))
        drawn = losses + self.nu * sqrt(self.lamdba) * spreads * noise
        chosen = int(np.argmin(drawn))
        return chosen, float(drawn[chosen])


@dataclass(frozen=True)
class UpperConfidenceBound(BanditRule):
    """The candidate with the lowest of predicted loss less `nu` spreads.

    Zhou, Li, Gu: Neural Contextual Bandits with UCB-based Exploration,
    https://arxiv.org/abs/1911.04462, algorithm 1; as losses are to be small, the bound is a lower
    one.

    Raises:
        SchedulerError: If `lamdba` is not above 0 or `nu` below 0.
    """

    lamdba: float = 0.01
    nu: float = 0.01

    def __post_init__(self) -> None:
        _require_number("lamdba", self.lamdba, above=True)
        _require_number("nu", self.nu)

    @property
    def regularization(self) -> float:
        """See `BanditRule.regularization`."""
        return self.lamdba

    def choose(
        self,
        losses: np.ndarray,
        spreads: np.ndarray,
        lowest_known: float,
        random_state: np.random.RandomState,
    ) -> tuple[int, float]:
        """See `BanditRule.choose`."""
        del lowest_known, random_state
        bounds = losses - self.nu * spreads
        chosen = int(np.argmin(bounds))
        return chosen, float(bounds[chosen])


@dataclass(frozen=True)
class Gap(BanditRule):
    """The first candidate that promises to be among the best, from a network with perturbed losses.

    It is the first whose predicted loss is at most `gamma` above the lowest prediction for a
    configuration that was evaluated; if there is none, the one with the lowest predicted loss. The
    network explores since it is trained with noise on the losses: Jia, Zhang, Zhou, Gu, Wang,
    Learning Neural Contextual Bandits through Perturbed Rewards, https://arxiv.org/abs/2201.09910.

    Raises:
        SchedulerError: If `gamma` or `nu` is below 0.
    """

    gamma: float = 0.01
    nu: float = 0.01

    def __post_init__(self) -> None:
        _require_number("gamma", self.gamma)
        _require_number("nu", self.nu)

    @property
    def perturbation(self) -> float:
        """See `BanditRule.perturbation`."""
        return self.nu

    def choose(
        self,
        losses: np.ndarray,
        spreads: np.ndarray,
        lowest_known: float,
        random_state: np.random.RandomState,
    ) -> tuple[int, float]:
        """See `BanditRule.choose`."""
        del spreads, random_state
        passing = np.flatnonzero(losses <= lowest_known + self.gamma)
        chosen = int(passing[0]) if len(passing) else int(np.argmin(losses))
        return chosen, float(losses[chosen])


def _require_number(name: str, value: Any, at_most: float = inf, above: bool = False) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= at_most or value == inf or (above and value == 0):
        upper = "" if at_most == inf else f" and at most {at_most:g}"
        lower = "above 0" if above else "at least 0"
        raise SchedulerError(f"{name}={value!r} must be a number of {lower}{upper}")
