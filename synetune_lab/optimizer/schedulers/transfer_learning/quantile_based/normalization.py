"""Values of a task as quantiles of the normal distribution."""

from __future__ import annotations

import numpy as np

__all__ = ["gaussian_ranks", "standardised"]


def _uniform_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks scaled to (0, 1]; equal values share the lowest. NaN ranks last."""
    filled = np.where(np.isnan(values), np.inf, values)
    order = np.sort(filled)
    ranks: np.ndarray = (np.searchsorted(order, filled, side="left") + 1) / len(filled)
    return ranks


def gaussian_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks through the inverse normal distribution, truncated as for a Gaussian copula.

    Liu, Lafferty, Wasserman: The nonparanormal, JMLR 10 (2009).
    """
    from scipy.special import ndtri

    count = len(values)
    cut = 1.0 / (4.0 * count**0.25 * np.sqrt(np.pi * np.log(max(count, 2))))
    transformed: np.ndarray = ndtri(np.clip(_uniform_ranks(values), cut, 1.0 - cut))
    return transformed


def standardised(values: np.ndarray) -> np.ndarray:
    """Values less their mean, divided by their standard deviation. NaN counts as the worst."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    filled = np.where(np.isnan(values), np.nanmax(values), values)
    scaled: np.ndarray = (filled - filled.mean()) / (filled.std() or 1.0)
    return scaled
