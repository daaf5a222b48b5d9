"""Plotly figures of one experiment. Colours: Okabe-Ito for marks, viridis for values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_TUNER_TIME, TRIAL_ID
from synetune_lab.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go

_BLUE, _ORANGE = "#0072B2", "#D55E00"
_TIME_LABEL = "wall-clock time (secs)"
_MOST_TRACES = 50
"""Above it, lines of trials are drawn as one trace with gaps: plotly slows down with traces."""


def times_and_values(rows: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Tuner times in seconds and values of a metric, shape (reports,), without missing values.

    Raises:
        StoreError: If the results have no such column.
    """
    import numpy as np

    for column in (metric, ST_TUNER_TIME):
        if column not in rows:
            raise StoreError(f"the results have no column {column!r}, only {list(rows.columns)}")
    kept = rows[[ST_TUNER_TIME, metric]].dropna().sort_values(ST_TUNER_TIME, kind="stable")
    return (
        np.asarray(kept[ST_TUNER_TIME], dtype=float),
        np.asarray(kept[metric], dtype=float),
    )


def best_so_far(values: np.ndarray, mode: str) -> np.ndarray:
    """The running best of values, shape (reports,)."""
    import numpy as np

    best = np.maximum if mode == "max" else np.minimum
    return np.asarray(best.accumulate(values))


def best_figure(rows: pd.DataFrame, metric: str, mode: str, title: str) -> go.Figure:
    """The best value so far over time, as steps."""
    import plotly.graph_objects as go

    times, values = times_and_values(rows, metric)
    figure = go.Figure(layout=figure_layout(title, f"best {metric} so far"))
    figure.add_trace(step_trace(times, best_so_far(values, mode), metric))
    return figure


def trials_figure(rows: pd.DataFrame, metric: str, mode: str, title: str) -> go.Figure:
    """Every trial's values over time, and the best so far."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=figure_layout(title, metric))
    groups = list(rows.dropna(subset=[metric]).groupby(TRIAL_ID, sort=True))
    if len(groups) > _MOST_TRACES:
        figure.add_trace(_all_in_one(groups, metric))
    else:
        for trial_id, group in groups:
            figure.add_trace(
                go.Scatter(
                    x=group[ST_TUNER_TIME],
                    y=group[metric],
                    mode="lines+markers",
                    name=f"trial {trial_id}",
                    line={"width": 1},
                    marker={"size": 4},
                    opacity=0.7,
                    showlegend=False,
                )
            )
    times, values = times_and_values(rows, metric)
    figure.add_trace(step_trace(times, best_so_far(values, mode), "best so far", _ORANGE))
    return figure


def _all_in_one(groups: list[tuple[Any, pd.DataFrame]], metric: str) -> go.Scatter:
    import plotly.graph_objects as go

    x: list[Any] = []
    y: list[Any] = []
    text: list[str | None] = []
    for trial_id, group in groups:
        x += [*group[ST_TUNER_TIME], None]
        y += [*group[metric], None]
        text += [*([f"trial {trial_id}"] * len(group)), None]
    return go.Scatter(
        x=x,
        y=y,
        text=text,
        mode="lines+markers",
        name="trials",
        line={"width": 1, "color": _BLUE},
        marker={"size": 3},
        opacity=0.5,
    )


def step_trace(x: np.ndarray, y: np.ndarray, name: str, color: str = _BLUE) -> go.Scatter:
    """A line of steps; `x` and `y` have shape (points,)."""
    import plotly.graph_objects as go

    return go.Scatter(
        x=x, y=y, mode="lines", name=name, line={"shape": "hv", "color": color, "width": 2.5}
    )


def figure_layout(title: str, y_title: str) -> dict[str, Any]:
    """The layout that all figures of an experiment share."""
    return {
        "title": {"text": title},
        "xaxis": {"title": {"text": _TIME_LABEL}},
        "yaxis": {"title": {"text": y_title}},
        "template": "plotly_white",
        "hovermode": "closest",
    }


def save_figure(
    figure: go.Figure, path: str | Path | None, layout: dict[str, Any] | None = None
) -> go.Figure:
    """Apply `layout`, write the figure to `path` if there is one, and return it."""
    if layout:
        figure.update_layout(**layout)
    if path is not None:
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix in (".html", ".htm"):
            figure.write_html(target)
        elif target.suffix == ".json":
            figure.write_json(target)
        else:
            _write_image(figure, target)
    return figure


def _write_image(figure: go.Figure, target: Path) -> None:
    try:
        figure.write_image(target)
    except (ImportError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{target} can't be written as an image ({error}). Images need `pip install kaleido`; "
            "without it give a path that ends on .html"
        ) from error
