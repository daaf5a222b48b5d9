"""Leave-one-out predictions of a Gaussian process in closed form, for groups of observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.gp.constants import VARIANCE_FLOOR
from synetune_lab.gp.linalg import inverse_from_cholesky

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.posterior import Posterior

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.intp]

__all__ = ["left_out_predictions"]


def left_out_predictions(posterior: Posterior, groups: IntArray) -> tuple[FloatArray, FloatArray]:
    """What a process says of each observation if it has not seen its group.

    With the inverse covariance P of all observations and w = P (y - m), those of a group B are
    predicted with mean y_B - P_BB⁻¹ w_B and covariance P_BB⁻¹: no fit, no other factor. Parameters
    stay those of all data. Rasmussen, Williams: Gaussian Processes for Machine Learning, MIT Press
    2006, equations 5.10 to 5.12, for groups.

    Args:
        posterior: A posterior with one column of targets.
        groups: Group of each observation, shape (n,).

    Returns:
        Means and standard deviations, the latter with noise, shape (n,).
    """
    precision = inverse_from_cholesky(np.array(posterior.factor, order="F"))
    weights = posterior.weights[:, 0]
    mean, variance = np.empty(len(groups)), np.empty(len(groups))
    order = np.argsort(groups, kind="stable")
    edges = np.flatnonzero(np.diff(groups[order])) + 1
    for own in np.split(order, edges):
        block = np.linalg.pinv(precision[np.ix_(own, own)], hermitian=True)
        mean[own] = posterior.targets[own, 0] - block @ weights[own]
        variance[own] = block.diagonal()
    return mean, np.sqrt(np.maximum(variance, VARIANCE_FLOOR))
