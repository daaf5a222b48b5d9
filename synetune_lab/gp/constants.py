"""Numbers of the surrogate models: initial values and bounds of parameters, jitter, floors."""

from __future__ import annotations

__all__ = [
    "COVARIANCE_SCALE",
    "INVERSE_BANDWIDTH",
    "NOISE_VARIANCE",
    "NUMERICAL_JITTER",
    "VARIANCE_FLOOR",
    "WARPING",
]

NUMERICAL_JITTER = 1e-9
"""Added to squared distances below a square root."""

VARIANCE_FLOOR = 1e-12
"""Least variance of a prediction."""

NOISE_VARIANCE = (1e-3, 1e-9, 1e6)
"""Initial value, lower and upper bound of the noise variance."""

COVARIANCE_SCALE = (1.0, 1e-3, 1e3)
"""The same for the factor before a kernel."""

INVERSE_BANDWIDTH = (1.0, 1e-4, 100.0)
"""The same for the inverse of a length scale."""

WARPING = (1.0, 0.25, 4.0)
"""The same for the two exponents of input warping."""
