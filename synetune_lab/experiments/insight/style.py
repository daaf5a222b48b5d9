"""What the figures of an insight share: colours, axes, points of trials, lines of text."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.experiments.figures import figure_layout
from synetune_lab.experiments.insight.words import config_words, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from synetune_lab.experiments.insight.insight import Insight
    from synetune_lab.experiments.insight.space import Grid

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "BAND",
    "BLUE",
    "GREY",
    "LIGHT",
    "ORANGE",
    "axis_of",
    "layout_of",
    "nearness_to_slice",
    "others_words",
    "places_on",
    "scattered_on",
    "shades",
]

# Okabe and Ito's colours, told apart also by those who are colour-blind.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
BAND = "rgba(0, 114, 178, 0.16)"
LIGHT = "rgba(0, 114, 178, 0.30)"
_WRAP = 110
_MANY_DECADES = 2.5
_FEW_TICKS = 10


def layout_of(title: str, subtitle: str, y_title: str) -> dict[str, Any]:
    """Layout with a title, lines below it, and a legend out of the way."""
    layout = figure_layout(title, y_title)
    lines = textwrap.wrap(subtitle, _WRAP)[:2]
    small = f"<br><span style='font-size:12px;color:{GREY}'>"
    text = title + "".join(f"{small}{line}</span>" for line in lines)
    layout["title"] = {"text": text, "x": 0.02, "xanchor": "left", "y": 1.0, "yanchor": "top"}
    layout["title"]["pad"] = {"t": 14}  # in pixels: small figures have the same room
    layout["margin"] = {"l": 70, "r": 30, "t": 78 + 16 * len(lines), "b": 60}
    layout["height"] = 460
    layout["legend"] = {"orientation": "h", "x": 0.0, "y": 1.0, "yanchor": "bottom"}
    return layout


def axis_of(grid: Grid) -> dict[str, Any]:
    """The axis of a hyperparameter: logarithmic, or with categories side by side."""
    axis: dict[str, Any] = {"title": {"text": grid.name}}
    if grid.is_category:
        positions = list(range(len(grid)))
        names = [str(value) for value in grid.values]
        axis.update(tickmode="array", tickvals=positions, ticktext=names)
        axis.update(range=[-0.5, len(grid) - 0.5], showgrid=False, zeroline=False)
    elif grid.is_log:
        low, high = np.log10(float(grid.values[0])), np.log10(float(grid.values[-1]))
        margin = 0.02 * (high - low)
        axis.update(type="log", range=[low - margin, high + margin])
        if high - low > _MANY_DECADES:
            axis.update(dtick=1, exponentformat="power")
        else:
            ticks = [
                m * 10.0**e for e in range(math.floor(low), math.ceil(high)) for m in (1, 2, 5)
            ]
            axis.update(tickmode="array", tickvals=ticks, ticktext=[f"{x:g}" for x in ticks])
    else:
        low, high = float(grid.values[0]), float(grid.values[-1])
        axis.update(range=[low - 0.02 * (high - low), high + 0.02 * (high - low)], zeroline=False)
        if len(grid) <= _FEW_TICKS:
            names = [number(value) for value in grid.values]
            axis.update(tickmode="array", tickvals=grid.values, ticktext=names)
    return axis


def places_on(grid: Grid, values: list[Any]) -> list[Any]:
    """Where values are on the axis of a grid; None for those that are not on it."""
    if not grid.is_category:
        return [float(value) for value in values]
    position = {value: i for i, value in enumerate(grid.values)}
    return [position.get(value) for value in values]


def scattered_on(grid: Grid, values: list[Any], width: float, seed: int = 0) -> list[Any]:
    """As `places_on`, with those of a category side by side rather than upon each other."""
    places = places_on(grid, values)
    if not grid.is_category:
        return places
    steps = np.random.RandomState(seed).uniform(-width, width, len(places))
    return [None if x is None else x + step for x, step in zip(places, steps, strict=True)]


def nearness_to_slice(insight: Insight, grids: list[Grid], at: Mapping[str, Any]) -> FloatArray:
    """How much each trial has to do with a slice: its correlation with its shadow there, (t,)."""
    surrogate = insight.surrogate
    space = surrogate.observations.space
    points = surrogate.points
    shadows = np.repeat(space.encode([at]), len(points), axis=0)
    for grid in grids:
        shadows[:, space.block(grid.name)] = points[:, space.block(grid.name)]
    nearness = surrogate.nearness(shadows)
    return np.clip(nearness.diagonal(), 0.0, 1.0)


def shades(nearness: FloatArray) -> list[str]:
    """Dark for what is near, faint for what is far."""
    return [f"rgba(40, 40, 40, {0.10 + 0.80 * x:.3f})" for x in nearness]


def others_words(insight: Insight, grids: list[Grid], at: Mapping[str, Any], average: bool) -> str:
    """What the hyperparameters are that are not on the axes."""
    shown = {grid.name for grid in grids}
    others = {name: value for name, value in at.items() if name not in shown}
    if not others:
        return f"{insight.num_configurations} configurations"
    if average:
        return "averaged over " + ", ".join(others)
    words = config_words(others)
    if at == insight.best_config:
        return f"others as in the best configuration (trial {insight.best_trial_id}): {words}"
    return f"at {words}"
