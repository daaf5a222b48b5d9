"""Quality as a figure: predictions of unseen trials, and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synetune_lab.constants import TRIAL_ID
from synetune_lab.experiments.insight.slices import WIDTH
from synetune_lab.experiments.insight.style import BLUE, GREY, layout_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from synetune_lab.experiments.insight.insight import Insight

__all__ = ["quality_figure"]


def quality_figure(insight: Insight) -> go.Figure:
    """Predicted against reported, and the honesty of intervals (see `Insight.plot_quality`)."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    quality = insight.quality()
    frame, calibration = quality.predictions, quality.calibration
    figure = make_subplots(
        rows=1,
        cols=2,
        horizontal_spacing=0.12,
        subplot_titles=("trials that it has not seen", "how honest its intervals are"),
    )
    low = float(min(frame["value"].min(), frame["mean"].min()))
    high = float(max(frame["value"].max(), frame["mean"].max()))
    margin = 0.05 * (high - low or 1.0)
    ends = [low - margin, high + margin]
    dotted = {"color": GREY, "width": 1.2, "dash": "dot"}
    figure.add_trace(
        go.Scatter(x=ends, y=ends, mode="lines", line=dotted, hoverinfo="skip"), row=1, col=1
    )
    has_levels = frame["level"].nunique() > 1
    text = [
        f"trial {row[TRIAL_ID]}" + (f" at level {row['level']}" if has_levels else "")
        for row in frame.to_dict("records")
    ]
    figure.add_trace(
        go.Scatter(
            x=frame["value"],
            y=frame["mean"],
            mode="markers",
            text=text,
            hovertemplate="%{text}<br>reported %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
            marker={"size": 6, "color": BLUE, "opacity": 0.75},
            error_y={
                "type": "data",
                "array": WIDTH * frame["std"],
                "color": "rgba(0, 114, 178, 0.22)",
                "thickness": 1.2,
                "width": 0,
            },
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=dotted, hoverinfo="skip"), row=1, col=2
    )
    figure.add_trace(
        go.Scatter(
            x=[0.0, *calibration["expected"], 1.0],
            y=[0.0, *calibration["observed"], 1.0],
            mode="lines+markers",
            line={"color": BLUE, "width": 2.5},
            marker={"size": 5},
            hovertemplate="%{y:.0%} of trials are inside intervals of %{x:.0%}<extra></extra>",
        ),
        row=1,
        col=2,
    )
    for x, y, words in ((0.28, 0.9, "too wide"), (0.72, 0.1, "too narrow")):
        figure.add_annotation(
            x=x, y=y, text=words, showarrow=False, font={"color": GREY, "size": 12}, row=1, col=2
        )
    shown = float(np.nanmax(WIDTH * frame["std"])) if len(frame) else 0.0
    limits = [max(ends[0], low - shown - margin), min(ends[1], high + shown + margin)]
    percent = {"tickformat": ".0%", "range": [0, 1], "zeroline": False}
    metric = insight.metric if has_levels else insight.metric_words
    figure.update_xaxes({"title": {"text": f"reported {metric}"}, "range": ends}, row=1, col=1)
    figure.update_yaxes({"title": {"text": "predicted"}, "range": limits}, row=1, col=1)
    figure.update_xaxes({"title": {"text": "interval"}, **percent}, row=1, col=2)
    figure.update_yaxes({"title": {"text": "trials inside"}, **percent}, row=1, col=2)
    layout = layout_of(f"{insight.name}: can the model be trusted?", str(quality), "")
    del layout["xaxis"], layout["yaxis"]
    layout["margin"]["t"] += 12
    return figure.update_layout(**layout, showlegend=False)
