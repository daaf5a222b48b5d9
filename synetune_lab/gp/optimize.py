"""Finding the parameters of a model: L-BFGS from several starts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize as scipy_minimize

from synetune_lab.gp.memory import keep_freed_memory
from synetune_lab.gp.warm_start import FitMemory, follow

if TYPE_CHECKING:
    import numpy.typing as npt

    from synetune_lab.gp.parameters import ParameterVector

    FloatArray = npt.NDArray[np.float64]
    Criterion = Callable[[FloatArray], tuple[float, FloatArray]]

__all__ = ["OptimizationConfig", "fit_starts", "minimize", "random_starts"]

logger = logging.getLogger(__name__)

_FAILURES = (FloatingPointError, np.linalg.LinAlgError, OverflowError, ValueError)


@dataclass(frozen=True)
class OptimizationConfig:
    """How parameters are sought.

    Attributes:
        lbfgs_tol: Relative improvement below which a run of L-BFGS ends.
        lbfgs_maxiter: Iterations of a run.
        n_starts: Number of runs of a full fit; the first begins at the initial values (or the last
            ones), the others at random ones around them.
        lbfgs_gtol: Largest derivative by an encoded parameter at which a run ends.
        warm_gtol: The same for a fit that begins at the last parameters only: a few new data have
            moved the optimum a little, and what is left to gain is small.
    """

    lbfgs_tol: float = 1e-6
    lbfgs_maxiter: int = 500
    n_starts: int = 5
    lbfgs_gtol: float = 1e-4
    warm_gtol: float = 1e-4


def random_starts(
    vector: ParameterVector,
    centre: FloatArray,
    num_starts: int,
    random_state: np.random.RandomState,
) -> list[FloatArray]:
    """Natural values around others: steps of standard deviation 1 of the encoded values."""
    encoded = vector.encode(centre)
    lower, upper = np.array(vector.bounds).T
    steps = random_state.standard_normal((num_starts, len(vector)))
    return [vector.decode(np.clip(encoded + step, lower, upper)) for step in steps]


def fit_starts(
    vector: ParameterVector,
    num_starts: int,
    random_state: np.random.RandomState,
    start: FloatArray | None = None,
    is_full: bool = True,
) -> list[FloatArray]:
    """Natural values where a fit begins.

    Args:
        vector: The parameters.
        num_starts: How many, of a full fit.
        random_state: Source of the random ones.
        start: The first one, as the last parameters; None for the initial values.
        is_full: Whether there are others: the initial values, then steps of standard deviation 1
            from them, of the encoded values.
    """
    starts = [vector.initial] if start is None else [start, vector.initial]
    if not is_full:
        return starts[:1]
    others = max(num_starts - len(starts), 0)
    starts += random_starts(vector, vector.initial, others, random_state)
    return starts[: max(num_starts, 1)]


def minimize(
    criterion: Criterion,
    vector: ParameterVector,
    starts: Sequence[FloatArray],
    config: OptimizationConfig,
    is_warm: bool = False,
    memory: FitMemory | None = None,
) -> tuple[FloatArray, float] | None:
    """Minimise a criterion from several starts by L-BFGS-B on the encoded parameters.

    Liu, Nocedal: On the limited memory BFGS method for large scale optimization, Mathematical
    Programming 45 (1989).

    Args:
        criterion: Value and gradient at natural values. A start at which it fails is skipped, which
            is logged.
        vector: The parameters.
        starts: Natural values.
        config: Limits.
        is_warm: Whether the start is known to be near the optimum.
        memory: What earlier fits of the model have left; it is brought up to date.

    Returns:
        The best values that were met, and the criterion there; None if all starts failed.
    """
    keep_freed_memory()
    best: tuple[FloatArray, float] | None = None

    def encoded_criterion(encoded: FloatArray) -> tuple[float, FloatArray]:
        nonlocal best
        values = vector.decode(encoded)
        value, gradient = criterion(values)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            raise FloatingPointError("the criterion is not finite")
        if best is None or value < best[1]:
            best = values, value
        return value, gradient * vector.derivative(values)

    if is_warm and memory is not None and memory.fits(len(vector)):
        try:
            start = vector.encode(starts[0])
            follow(encoded_criterion, start, vector.bounds, memory, config.warm_gtol)
        except _FAILURES as error:
            logger.info("a fit ended early: %s", error)
        return best
    options: Any = {
        "maxiter": config.lbfgs_maxiter,
        "ftol": config.lbfgs_tol,
        "gtol": config.warm_gtol if is_warm else config.lbfgs_gtol,
    }
    least = np.inf
    for index, start in enumerate(starts):
        try:
            found = scipy_minimize(
                encoded_criterion,
                vector.encode(start),
                jac=True,
                method="L-BFGS-B",
                bounds=vector.bounds,
                options=options,
            )
        except _FAILURES as error:
            logger.info("start %d of %d of a fit ended early: %s", index + 1, len(starts), error)
            continue
        if memory is not None and found.fun < least:
            least = found.fun
            inverse: Any = found.hess_inv
            memory.inverse_hessian = np.asarray(inverse.todense())
    return best
