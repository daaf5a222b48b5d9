"""Differential evolution of encoded configurations.

Storn, Price: Differential Evolution, Journal of Global Optimization 11 (1997); the form `rand/1`
with binomial crossover.
"""

from __future__ import annotations

import numpy as np

__all__ = ["crossover", "mutate"]


def mutate(
    parents: tuple[np.ndarray, np.ndarray, np.ndarray],
    mutation_factor: float,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """`v0 + F (v1 - v2)`, with entries outside of [0, 1] drawn afresh.

    Args:
        parents: Three vectors of shape (d,).
        mutation_factor: F.
        random_state: Source of randomness.
    """
    first, second, third = parents
    mutant: np.ndarray = first + mutation_factor * (second - third)
    outside = (mutant < 0.0) | (mutant > 1.0)
    if outside.any():
        mutant[outside] = random_state.uniform(size=int(outside.sum()))
    return mutant


def crossover(
    mutant: np.ndarray,
    target: np.ndarray,
    probability: float,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Each entry of the mutant with this probability, else that of the target.

    One entry, drawn at random, always comes from the mutant: a copy of the target would tell
    nothing.
    """
    taken = random_state.uniform(size=len(mutant)) < probability
    taken[int(random_state.randint(len(mutant)))] = True
    child: np.ndarray = np.where(taken, mutant, target)
    return child
