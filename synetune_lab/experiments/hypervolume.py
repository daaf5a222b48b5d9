"""The hypervolume that the reports of an experiment dominate, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.constants import ST_TUNER_TIME
from synetune_lab.errors import StoreError
from synetune_lab.experiments.figures import figure_layout, step_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import plotly.graph_objects as go


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """Volume between the points (all to be minimised) and the reference point.

    Args:
        points: Shape (n, metrics).
        reference: Shape (metrics,). Points that are not below it in every metric count nothing.

    Slices along the last metric; exact, and fast enough for fronts of some hundred points.
    """
    inside = points[(points < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(reference[0] - inside.min())
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    heights = np.append(inside[1:, -1], reference[-1]) - inside[:, -1]
    volume = 0.0
    for k, height in enumerate(heights):
        if height > 0:
            volume += height * hypervolume(_front(inside[: k + 1, :-1]), reference[:-1])
    return volume


def _front(points: np.ndarray) -> np.ndarray:
    """The points that no other dominates (the first of equal ones)."""
    unique = np.unique(points, axis=0)
    worse = np.all(unique[:, None, :] >= unique[None, :, :], axis=2)
    # Every point is as bad as itself, and a dominated one as bad as another, too.
    return np.asarray(unique[np.sum(worse, axis=1) == 1])


def hypervolume_figure(
    rows: pd.DataFrame,
    metrics: Sequence[tuple[str, str]],
    reference_point: Sequence[float] | None,
    title: str,
) -> go.Figure:
    """The dominated hypervolume over time.

    Args:
        rows: The results.
        metrics: Names and modes of two or more metrics.
        reference_point: One value a metric, negated for `max`; None takes the worst seen.
        title: Title of the figure.

    Raises:
        StoreError: If there are fewer than two metrics.
    """
    import plotly.graph_objects as go

    names = [name for name, _ in metrics]
    if len(names) < 2:
        raise StoreError(f"a hypervolume needs two metrics or more, not {names}")
    kept = rows.dropna(subset=names).sort_values(ST_TUNER_TIME, kind="stable")
    signs = np.array([-1.0 if mode == "max" else 1.0 for _, mode in metrics])
    points = kept[names].to_numpy(dtype=float) * signs
    worst = points.max(axis=0) if len(points) else np.zeros(len(names))
    reference = worst if reference_point is None else np.asarray(reference_point, dtype=float)
    front = np.empty((0, len(names)))
    volumes = []
    for point in points:
        dominated = len(front) and (front <= point).all(axis=1).any()
        if not dominated:
            front = _front(np.vstack([front, point]))
            volumes.append(hypervolume(front, reference))
        else:
            volumes.append(volumes[-1])
    figure = go.Figure(layout=figure_layout(title, f"hypervolume of {', '.join(names)}"))
    times = np.asarray(kept[ST_TUNER_TIME], dtype=float)
    figure.add_trace(step_trace(times, np.array(volumes), "hypervolume"))
    return figure
