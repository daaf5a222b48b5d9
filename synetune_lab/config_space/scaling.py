"""The scales on which values are spaced evenly, for arrays.

Each scale is an increasing map from values to internal values, and its inverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["normal_cdf", "normal_quantile", "scaling"]


def _same(x: FloatArray) -> FloatArray:
    return x


def _reverse_log(x: FloatArray) -> FloatArray:
    return -np.log1p(-x)


def _reverse_exp(z: FloatArray) -> FloatArray:
    return -np.expm1(-z)


_SCALINGS: dict[
    str, tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], FloatArray]]
] = {
    "linear": (_same, _same),
    "log": (np.log, np.exp),
    "reverse_log": (_reverse_log, _reverse_exp),
}


def scaling(
    name: str,
) -> tuple[Callable[[FloatArray], FloatArray], Callable[[FloatArray], FloatArray]]:
    """The map to internal values and its inverse, for `linear`, `log` or `reverse_log`."""
    return _SCALINGS[name]


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def normal_cdf(z: FloatArray) -> FloatArray:
    """Distribution function of the standard normal."""
    result: FloatArray = 0.5 * _erfc(-np.asarray(z, dtype=np.float64) / math.sqrt(2.0))
    return result


# Coefficients of the rational approximations of AS 241 (Wichura, 1988, Applied Statistics 37),
# highest power first; relative error about 1e-16.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187,
     1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
     6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def normal_quantile(p: FloatArray) -> FloatArray:
    """Inverse of `normal_cdf`; probabilities are kept 1e-16 away from 0 and 1.

    Algorithm AS 241 of Wichura (1988).
    """
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-16, 1.0 - 1.1e-16)
    q = p - 0.5
    central = 0.180625 - q * q
    tail = np.sqrt(-np.log(np.minimum(p, 1.0 - p)))
    outer = np.where(
        tail <= 5.0,
        _ratio(_MIDDLE, tail - 1.6),
        _ratio(_TAIL, tail - 5.0),
    )
    inner = q * _ratio(_CENTRE, central)
    return np.where(np.abs(q) <= 0.425, inner, np.sign(q) * outer)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: FloatArray) -> FloatArray:
    above, below = coefficients
    result: FloatArray = np.polyval(above, x) / np.polyval(below, x)
    return result
