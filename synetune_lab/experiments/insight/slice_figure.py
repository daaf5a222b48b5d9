"""Slices along one hyperparameter: mean, band and trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.experiments.insight.slices import predict_grid, slice_frame
from synetune_lab.experiments.insight.style import (
    BAND,
    BLUE,
    ORANGE,
    axis_of,
    layout_of,
    nearness_to_slice,
    others_words,
    places_on,
    scattered_on,
    shades,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from synetune_lab.experiments.insight.insight import Insight
    from synetune_lab.experiments.insight.space import Grid

__all__ = ["line_figure", "lines_figure"]

_SEED = 0
_JITTER = 0.16
_WIDE_JITTER = 0.28
_MOST_COLUMNS = 3


@dataclass(frozen=True)
class _Legend:
    """Whether a trace is named in the legend: once a figure."""

    shown: bool

    def entry(self, name: str) -> dict[str, Any]:
        return {"name": name, "legendgroup": name, "showlegend": self.shown}


def line_figure(
    insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool
) -> go.Figure:
    """The slice along one hyperparameter (see `Insight.plot_slice`)."""
    import plotly.graph_objects as go

    grid = grids[0]
    kind = "average" if average else "slice"
    layout = layout_of(
        f"{insight.name}: {kind} along {grid.name}",
        others_words(insight, grids, at, average),
        insight.metric_words,
    )
    figure = go.Figure(_traces(insight, grid, at, average, _Legend(True)), layout=layout)
    return figure.update_layout(xaxis=axis_of(grid))


def lines_figure(
    insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool
) -> go.Figure:
    """The slices along all hyperparameters (see `Insight.plot_slices`)."""
    from plotly.subplots import make_subplots

    columns = min(len(grids), _MOST_COLUMNS)
    rows = math.ceil(len(grids) / columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.36 / rows,
    )
    for i, grid in enumerate(grids):
        row, column = i // columns + 1, i % columns + 1
        for trace in _traces(insight, grid, at, average, _Legend(i == 0)):
            figure.add_trace(trace, row=row, col=column)
        figure.update_xaxes(axis_of(grid), row=row, col=column)
        if column == 1:
            figure.update_yaxes(title={"text": insight.metric_words}, row=row, col=column)
    through = "averages over all others" if average else others_words(insight, [], at, False)
    layout = layout_of(f"{insight.name}: each hyperparameter", through, "")
    del layout["xaxis"], layout["yaxis"]
    layout["height"] = 190 + 250 * rows
    figure.update_layout(**layout)
    low, high = _range_of(insight, grids, at, average)
    return figure.update_yaxes(range=[low, high])


def _range_of(
    insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool
) -> tuple[float, float]:
    """One scale for all panels, that bands and most trials fit into."""
    surrogate = insight.surrogate
    frames = [slice_frame([g], predict_grid(surrogate, [g], at, average, _SEED)) for g in grids]
    shown = surrogate.tamed[surrogate.observations.is_at_level]
    low = min([*(frame["lower"].min() for frame in frames), *shown])
    high = max([*(frame["upper"].max() for frame in frames), *shown])
    margin = 0.04 * (high - low)
    return float(low - margin), float(high + margin)


def _traces(
    insight: Insight, grid: Grid, at: Mapping[str, Any], average: bool, legend: _Legend
) -> list[Any]:
    import plotly.graph_objects as go

    frame = slice_frame([grid], predict_grid(insight.surrogate, [grid], at, average, _SEED))
    x = places_on(grid, grid.values)
    text = "%{customdata}<br>%{y:.4g}<extra>predicted mean</extra>"
    traces: list[Any] = []
    if grid.is_category:
        # Bars from bound to bound: they need not begin at zero to be honest.
        traces.append(
            go.Bar(
                x=x,
                y=frame["upper"] - frame["lower"],
                base=frame["lower"],
                width=0.6,
                marker={"color": BAND, "line": {"width": 0}},
                hoverinfo="skip",
                **legend.entry("95 % interval"),
            )
        )
        line = {"mode": "markers", "marker": {"symbol": "line-ew", "size": 44}}
        line["marker"]["line"] = {"width": 3, "color": BLUE}  # type: ignore[index]
    else:
        traces.append(
            go.Scatter(
                x=[*x, *x[::-1]],
                y=[*frame["upper"], *frame["lower"][::-1]],
                fill="toself",
                fillcolor=BAND,
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                **legend.entry("95 % interval"),
            )
        )
        line = {"mode": "lines", "line": {"color": BLUE, "width": 2.5}}
    mean = go.Scatter(
        x=x,
        y=frame["mean"],
        customdata=[str(value) for value in grid.values],
        hovertemplate=text,
        **line,
        **legend.entry("predicted mean"),
    )
    trials = _trials(insight, grid, at, average, legend)
    traces += [*trials, mean, _best(insight, grid, legend)]
    if not insight.surrogate.observations.is_at_level.all():
        traces.append(_rug(insight, grid, float(frame["lower"].min()), legend))
    return traces


def _trials(
    insight: Insight, grid: Grid, at: Mapping[str, Any], average: bool, legend: _Legend
) -> list[Any]:
    """The trials at the level; the fainter, the less they have to do with the slice.

    Those that the model sees as better than they were are a trace of their own.
    """
    import plotly.graph_objects as go

    surrogate = insight.surrogate
    observations = surrogate.observations
    shown = np.flatnonzero(observations.is_at_level)
    rows = observations.rows[shown]
    x = scattered_on(grid, [observations.configs[row][grid.name] for row in rows], _JITTER)
    y = surrogate.tamed[shown]
    if average:
        nearness = np.full(len(surrogate.points), 0.3)
    else:
        nearness = nearness_to_slice(insight, [grid], at)
    text = [
        f"trial {observations.trial_ids[row]}<br>{grid.name} {observations.configs[row][grid.name]}"
        f"<br>{insight.metric} {value:.4g}"
        for row, value in zip(rows, observations.values[shown], strict=True)
    ]
    colours = shades(nearness[rows])
    is_drawn_in = surrogate.is_drawn_in[shown]
    further = "triangle-down" if insight.mode == "max" else "triangle-up"
    traces = []
    for places, symbol, name in (
        (~is_drawn_in, "circle", "trials" if average else "trials (faint: far from the slice)"),
        (is_drawn_in, further, "trials that were worse than shown"),
    ):
        if not places.any():
            continue
        chosen = np.flatnonzero(places)
        trace = go.Scatter(
            x=[x[i] for i in chosen],
            y=y[chosen],
            mode="markers",
            marker={"size": 6, "symbol": symbol, "color": [colours[i] for i in chosen]},
            text=[text[i] for i in chosen],
            hovertemplate="%{text}<extra></extra>",
            **legend.entry(name),
        )
        traces.append(trace)
    return traces


def _rug(insight: Insight, grid: Grid, y: float, legend: _Legend) -> Any:
    """Where trials were that ended before the level: what they told is in the model, too."""
    import plotly.graph_objects as go

    observations = insight.surrogate.observations
    there = np.unique(observations.rows[observations.is_at_level])
    rows = np.setdiff1d(np.unique(observations.rows), there)
    return go.Scatter(
        x=scattered_on(grid, [observations.configs[row][grid.name] for row in rows], _WIDE_JITTER),
        y=np.full(len(rows), y),
        mode="markers",
        marker={
            "symbol": "line-ns",
            "size": 9,
            "line": {"width": 1, "color": "rgba(40, 40, 40, 0.35)"},
        },
        hoverinfo="skip",
        **legend.entry("ended earlier"),
    )


def _best(insight: Insight, grid: Grid, legend: _Legend) -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=places_on(grid, [insight.best_config[grid.name]]),
        y=[insight.best_value],
        mode="markers",
        marker={
            "symbol": "star",
            "size": 13,
            "color": ORANGE,
            "line": {"width": 1, "color": "white"},
        },
        hovertemplate=f"best, trial {insight.best_trial_id}<br>%{{y:.4g}}<extra></extra>",
        **legend.entry("best trial"),
    )
