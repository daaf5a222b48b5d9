"""Importance as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.experiments.insight.style import BLUE, LIGHT, layout_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from synetune_lab.experiments.insight.insight import Insight

__all__ = ["importance_figure"]


def importance_figure(insight: Insight, model: str) -> go.Figure:
    """Shares of the variance, the most important on top (see `Insight.plot_importance`)."""
    import plotly.graph_objects as go

    frame = insight.importance(model)[::-1]
    quality = insight.quality()
    subtitle = (
        f"share of the variance of the predicted mean over the space, by {_NAMES[model]}; "
        f"{insight.num_configurations} configurations; the model is {quality.verdict} "
        f"(R² {quality.r2:.2f})"
    )
    layout = layout_of(f"{insight.name}: what {insight.metric_words} depends on", subtitle, "")
    figure = go.Figure(layout=layout)
    figure.add_trace(
        go.Bar(
            y=frame["hyperparameter"],
            x=frame["total"],
            orientation="h",
            name="with interactions",
            marker={"color": LIGHT},
            hovertemplate="%{y}: %{x:.1%}<extra>with interactions</extra>",
        )
    )
    figure.add_trace(
        go.Bar(
            y=frame["hyperparameter"],
            x=frame["importance"],
            orientation="h",
            name="alone",
            marker={"color": BLUE},
            width=0.5,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": frame["high"] - frame["importance"],
                "arrayminus": frame["importance"] - frame["low"],
                "color": "#222222",
                "thickness": 1.3,
                "width": 4,
            },
            hovertemplate="%{y}: %{x:.1%}<extra>alone</extra>",
        )
    )
    most = max(float(frame["total"].max()), float(frame["high"].max()))
    return figure.update_layout(
        barmode="overlay",
        height=190 + 36 * len(frame),
        xaxis={
            "title": {"text": "share of the variance (whiskers: 90 % interval)"},
            "tickformat": ".0%",
            "range": [0.0, min(1.05 * most, 1.02)],
        },
        yaxis={"title": {"text": ""}, "automargin": True, "ticksuffix": "  "},
    )


_NAMES = {"gp": "the Gaussian process", "forest": "a random forest"}
