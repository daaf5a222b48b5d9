"""Slices over two hyperparameters: the mean, and beside it its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.experiments.insight.slices import predict_grid
from synetune_lab.experiments.insight.style import (
    ORANGE,
    axis_of,
    layout_of,
    nearness_to_slice,
    others_words,
    places_on,
    scattered_on,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from synetune_lab.experiments.insight.insight import Insight
    from synetune_lab.experiments.insight.space import Grid

__all__ = ["plane_figure"]

_SEED = 0
_JITTER = 0.25


def plane_figure(
    insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool
) -> go.Figure:
    """The plane of two hyperparameters (see `Insight.plot_slice`)."""
    from plotly.subplots import make_subplots

    first, second = grids
    found = predict_grid(insight.surrogate, grids, at, average, _SEED)
    shape = len(first), len(second)
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.14,
        subplot_titles=(f"predicted {insight.metric_words}", "its standard deviation"),
    )
    mean, std = found.mean.reshape(shape).T, found.std.reshape(shape).T
    low, high = float(mean.min()), float(mean.max())
    # Bright is good.
    colours = "Viridis" if insight.mode == "max" else "Viridis_r"
    scale = {"colorscale": colours, "zmin": low, "zmax": high}
    figure.add_trace(_surface(grids, mean, 0.43, scale), row=1, col=1)
    figure.add_trace(_surface(grids, std, 1.0, {"colorscale": "Greys", "zmin": 0.0}), row=1, col=2)
    points = _points(insight, grids, at, average)
    coloured = {**points["marker"], "colorscale": colours, "cmin": low, "cmax": high}
    coloured["color"] = points.pop("values")
    _add_points(figure, {**points, "marker": coloured}, 1)
    _add_points(figure, {**points, "marker": {"size": 4, "color": "#222222"}}, 2)
    _add_best(figure, insight, grids)
    for column in (1, 2):
        figure.update_xaxes({**axis_of(first), "showgrid": False}, row=1, col=column)
    figure.update_yaxes({**axis_of(second), "showgrid": False}, row=1, col=1)
    second_axis = {k: v for k, v in axis_of(second).items() if k != "title"}
    figure.update_yaxes({**second_axis, "showgrid": False}, row=1, col=2)
    kind = "average" if average else "slice"
    layout = layout_of(
        f"{insight.name}: {kind} over {first.name} and {second.name}",
        others_words(insight, grids, at, average),
        "",
    )
    del layout["xaxis"], layout["yaxis"], layout["legend"]
    layout["margin"]["t"] += 12
    return figure.update_layout(**layout, showlegend=False)


def _surface(grids: list[Grid], z: Any, place: float, scale: dict[str, Any]) -> Any:
    import plotly.graph_objects as go

    first, second = grids
    common: dict[str, Any] = {
        "x": places_on(first, first.values),
        "y": places_on(second, second.values),
        "z": z,
        "colorbar": {"x": place, "thickness": 12, "xanchor": "left", "outlinewidth": 0},
        "hovertemplate": "%{z:.4g}<extra></extra>",
        **scale,
    }
    if first.is_category or second.is_category:
        return go.Heatmap(**common, xgap=int(first.is_category), ygap=int(second.is_category))
    return go.Contour(
        **common,
        contours={"coloring": "heatmap"},
        ncontours=10,
        line={"width": 0.6, "color": "rgba(255, 255, 255, 0.55)"},
    )


def _points(
    insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool
) -> dict[str, Any]:
    """The trials at the level, as arguments of a trace, with their `values`."""
    surrogate = insight.surrogate
    observations = surrogate.observations
    shown = np.flatnonzero(observations.is_at_level)
    rows = observations.rows[shown]
    places = [
        scattered_on(grid, [observations.configs[row][grid.name] for row in rows], _JITTER, seed)
        for seed, grid in enumerate(grids)
    ]
    if average:
        nearness = np.full(len(rows), 0.8)
    else:
        nearness = nearness_to_slice(insight, grids, at)[rows]
    return {
        "x": places[0],
        "y": places[1],
        "values": surrogate.tamed[shown],
        "marker": {
            "size": 8,
            "line": {"width": 1.2, "color": "white"},
            "opacity": (0.25 + 0.75 * nearness).tolist(),
        },
        "text": [
            f"trial {observations.trial_ids[row]}<br>{insight.metric} {value:.4g}"
            for row, value in zip(rows, observations.values[shown], strict=True)
        ],
    }


def _add_points(figure: go.Figure, points: dict[str, Any], column: int) -> None:
    import plotly.graph_objects as go

    trace = go.Scatter(mode="markers", hovertemplate="%{text}<extra></extra>", **points)
    figure.add_trace(trace, row=1, col=column)


def _add_best(figure: go.Figure, insight: Insight, grids: list[Grid]) -> None:
    import plotly.graph_objects as go

    x, y = (places_on(grid, [insight.best_config[grid.name]]) for grid in grids)
    for column in (1, 2):
        star = {"symbol": "star", "size": 15, "color": ORANGE}
        trace = go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={**star, "line": {"width": 1.2, "color": "white"}},
            hovertemplate=f"best, trial {insight.best_trial_id}<extra></extra>",
        )
        figure.add_trace(trace, row=1, col=column)
