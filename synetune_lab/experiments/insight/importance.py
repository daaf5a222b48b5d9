"""How much of a function's variance each hyperparameter explains: Sobol indices.

Saltelli, Annoni, Azzini, Campolongo, Ratto, Tarantola: Variance based sensitivity analysis of model
output, Computer Physics Communications 181 (2010), table 2: estimator (b) of the first order and
(f), Jansen's, of the total effect. The same shares for forests as fANOVA: Hutter, Hoos,
Leyton-Brown: An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014.

Glossary: m points, k hyperparameters, s functions that are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.experiments.insight.samples import draw_paths

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from synetune_lab.experiments.insight.space import ModelledSpace
    from synetune_lab.experiments.insight.surrogate import Surrogate

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Indices", "importance_by_forest", "importance_by_process", "sobol_indices"]

_NUM_POINTS = 2048
_NUM_POINTS_OF_SAMPLES = 256
_NUM_SAMPLES = 32
_NUM_TREES = 64


@dataclass(frozen=True)
class Indices:
    """Sobol indices of s functions.

    Attributes:
        main: Share of the variance that each hyperparameter explains alone, shape (k, s).
        total: Share with all its interactions, shape (k, s).
    """

    main: FloatArray
    total: FloatArray


def sobol_indices(
    function: Callable[[FloatArray], FloatArray], space: ModelledSpace, num: int, random_seed: int
) -> Indices:
    """Sobol indices over the space, each configuration as likely as it is drawn.

    Args:
        function: From encoded configurations (m, d) to values (m, s).
        space: The space.
        num: Number of base points, a power of two; the function is asked at (k + 2) times as many.
        random_seed: Of the points.
    """
    first, second = space.quasi_random(num, 2, random_seed)
    at_first, at_second = function(first), function(second)
    centre = np.concatenate([at_first, at_second]).mean(axis=0)
    at_first, at_second = at_first - centre, at_second - centre
    variance = 0.5 * ((at_first**2).mean(axis=0) + (at_second**2).mean(axis=0))
    is_flat = variance <= 1e-30
    variance = np.where(is_flat, 1.0, variance)
    main, total = [], []
    for name in space.names:
        mixed = first.copy()
        mixed[:, space.block(name)] = second[:, space.block(name)]
        at_mixed = function(mixed) - centre
        change = at_mixed - at_first
        main.append((at_second * change).mean(axis=0) / variance)
        total.append(0.5 * (change**2).mean(axis=0) / variance)
    mains = np.where(is_flat, 0.0, np.clip(main, 0.0, 1.0))
    return Indices(mains, np.where(is_flat, 0.0, np.clip(total, mains, 1.0)))


def importance_by_process(surrogate: Surrogate, random_seed: int) -> pd.DataFrame:
    """Importance by the Gaussian process (see `Insight.importance`)."""
    space = surrogate.observations.space
    of_mean = sobol_indices(
        lambda x: surrogate.predict_mean(x)[:, None] / surrogate.scale,
        space,
        _NUM_POINTS,
        random_seed,
    )
    paths = draw_paths(surrogate, _NUM_SAMPLES, np.random.RandomState(random_seed))

    def of_paths(x: FloatArray) -> FloatArray:
        inputs = surrogate.at_level(x)
        return np.column_stack([path(inputs) for path in paths])

    of_samples = sobol_indices(of_paths, space, _NUM_POINTS_OF_SAMPLES, random_seed)
    return _as_frame(space.names, of_mean.main[:, 0], of_mean.total[:, 0], of_samples)


def importance_by_forest(surrogate: Surrogate, random_seed: int) -> pd.DataFrame:
    """Importance by a random forest (see `Insight.importance`)."""
    from sklearn.ensemble import RandomForestRegressor

    space = surrogate.observations.space
    forest = RandomForestRegressor(_NUM_TREES, random_state=random_seed, n_jobs=1)
    forest.fit(surrogate.inputs, surrogate.targets)

    def of_trees(x: FloatArray) -> FloatArray:
        rows = np.ascontiguousarray(surrogate.at_level(x), dtype=np.float32)
        trees = [tree.tree_.predict(rows).reshape(-1) for tree in forest.estimators_]
        return np.column_stack([np.mean(trees, axis=0), *trees])

    found = sobol_indices(of_trees, space, _NUM_POINTS // 2, random_seed)
    samples = Indices(found.main[:, 1:], found.total[:, 1:])
    return _as_frame(space.names, found.main[:, 0], found.total[:, 0], samples)


def _as_frame(
    names: list[str], main: FloatArray, total: FloatArray, samples: Indices
) -> pd.DataFrame:
    import pandas as pd

    low, high = np.quantile(samples.main, [0.05, 0.95], axis=1)
    columns: dict[str, Any] = {
        "hyperparameter": names,
        "importance": main,
        "total": total,
        "std": samples.main.std(axis=1),
        # The mean of a function is smoother than each that is possible: its share may be beyond.
        "low": np.minimum(low, main),
        "high": np.maximum(high, main),
    }
    order = ["importance", "total"]
    frame: pd.DataFrame = pd.DataFrame(columns).sort_values(
        order, ascending=False, ignore_index=True
    )
    return frame
