"""Predictions along one or two hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from synetune_lab.experiments.insight.space import Grid
    from synetune_lab.experiments.insight.surrogate import Predicted, Surrogate

    FloatArray = npt.NDArray[np.float64]

__all__ = ["WIDTH", "predict_grid", "prediction_frame", "slice_frame"]

_NUM_AVERAGED = 128
_NUM_AVERAGED_OF_PLANE = 64
WIDTH = 1.959963984540054
"""Standard deviations to either side of the mean that make an interval of 95 %."""


def predict_grid(
    surrogate: Surrogate,
    grids: list[Grid],
    at: Mapping[str, Any],
    average: bool,
    random_seed: int,
) -> Predicted:
    """Prediction at all points of one grid, or of the plane of two.

    Args:
        surrogate: The model.
        grids: One or two grids.
        at: Values of the other hyperparameters.
        average: Average over the other hyperparameters instead.
        random_seed: Of the configurations that are averaged over.

    Returns:
        Shape (g,), or (g1 * g2,) with the second grid running fastest.
    """
    space = surrogate.observations.space
    sizes = [len(grid) for grid in grids]
    positions = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
    if not average:
        points = np.repeat(space.encode([at]), len(positions[0]), axis=0)
        for grid, position in zip(grids, positions, strict=True):
            points[:, space.block(grid.name)] = grid.encoded[position]
        return surrogate.predict(points)
    num = _NUM_AVERAGED if len(grids) == 1 else _NUM_AVERAGED_OF_PLANE
    others = space.quasi_random(num, 1, random_seed)[0]
    cloud = np.repeat(others[None], len(positions[0]), axis=0)
    for grid, position in zip(grids, positions, strict=True):
        cloud[:, :, space.block(grid.name)] = grid.encoded[position][:, None]
    return surrogate.predict_average(cloud)


def slice_frame(grids: list[Grid], predicted: Predicted) -> pd.DataFrame:
    """A prediction as a data frame (see `Insight.slice`)."""
    columns: dict[str, Any] = {}
    if len(grids) == 1:
        columns["value"] = grids[0].values
    else:
        first, second = grids
        columns[first.name] = [value for value in first.values for _ in second.values]
        columns[second.name] = second.values * len(first)
    return prediction_frame(columns, predicted)


def prediction_frame(columns: Mapping[str, Any], predicted: Predicted) -> pd.DataFrame:
    """Columns, and beside them `mean`, `std`, `lower` and `upper` (95 %)."""
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame(
        {
            **columns,
            "mean": predicted.mean,
            "std": predicted.std,
            "lower": predicted.mean - WIDTH * predicted.std,
            "upper": predicted.mean + WIDTH * predicted.std,
        }
    )
    return frame
