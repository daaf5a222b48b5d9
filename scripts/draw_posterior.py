"""Draw the picture of Bayesian optimisation: posterior and expected improvement of one function.

    .venv/bin/python scripts/draw_posterior.py

The picture goes to docs/images/posterior.png.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _setup import browser
from playwright.sync_api import sync_playwright
from plotly.subplots import make_subplots

from synetune_lab.gp import GaussianProcessRegression, KernelProcess, Matern52, ScalarMean
from synetune_lab.optimizer.schedulers.searchers.bayesopt.acquisition import EIAcquisitionFunction
from synetune_lab.optimizer.schedulers.searchers.bayesopt.kernels import bandwidth_prior
from synetune_lab.optimizer.schedulers.searchers.bayesopt.targets import scaled_targets

if TYPE_CHECKING:
    import plotly.graph_objects as go

IMAGE = Path(__file__).parent.parent / "docs" / "images" / "posterior.png"
WIDTH, HEIGHT = 900, 520
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"
BAND = "rgba(0, 114, 178, 0.16)"
TRIED = np.array([[0.08], [0.28], [0.45], [0.6], [1.0]])


def loss(x: np.ndarray) -> np.ndarray:
    """The function to minimise: its valley is at the right."""
    return np.sin(6.2 * x[:, 0] - 0.8) * (0.4 + x[:, 0])


def figure() -> go.Figure:
    """Posterior above, expected improvement below."""
    grid = np.linspace(0.0, 1.0, 501)[:, None]
    values = loss(TRIED)
    scaled = scaled_targets(values)
    kernel = Matern52(1, bandwidth_prior=bandwidth_prior(1))  # as searchers have it
    regression = GaussianProcessRegression(KernelProcess(kernel, ScalarMean()))
    theta = regression.fit(TRIED, scaled.values, np.random.RandomState(0))
    posterior = regression.posterior(theta, TRIED, scaled.values)
    prediction = posterior.predict(grid)
    mean = scaled.mean + scaled.std * prediction.mean[:, 0]
    std = scaled.std * prediction.std[:, 0]
    acquisition = EIAcquisitionFunction(jitter=1e-4).bind(posterior, TRIED)
    gain = scaled.std * acquisition.acquisition.in_own_units(acquisition.values(grid))
    x, best = grid[:, 0], int(np.argmax(gain))

    drawn = make_subplots(
        rows=2, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.06
    )
    around = np.concatenate([mean + 1.96 * std, (mean - 1.96 * std)[::-1]])
    drawn.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=around,
        fill="toself",
        fillcolor=BAND,
        line_width=0,
        name="95 % interval",
    )
    drawn.add_scatter(x=x, y=loss(grid), line={"color": GREY, "dash": "dot"}, name="the function")
    drawn.add_scatter(x=x, y=mean, line={"color": BLUE, "width": 2.5}, name="posterior mean")
    drawn.add_scatter(
        x=TRIED[:, 0],
        y=values,
        mode="markers",
        marker={"color": "black", "size": 10},
        name="trials",
    )
    drawn.add_scatter(
        x=x,
        y=gain,
        fill="tozeroy",
        fillcolor="rgba(213, 94, 0, 0.18)",
        line={"color": ORANGE, "width": 2.5},
        name="expected improvement",
        row=2,
        col=1,
    )
    drawn.add_scatter(
        x=[x[best]],
        y=[gain[best]],
        mode="markers+text",
        marker={"color": ORANGE, "size": 11, "symbol": "triangle-up"},
        text=["next trial  "],
        textposition="middle left",
        showlegend=False,
        row=2,
        col=1,
    )
    drawn.add_vline(x=x[best], line={"color": ORANGE, "dash": "dash", "width": 1})
    drawn.update_xaxes(range=[-0.01, 1.01])
    drawn.update_xaxes(title="x", row=2)
    drawn.update_yaxes(title="loss", row=1)
    drawn.update_yaxes(title="improvement", rangemode="tozero", row=2)
    drawn.update_layout(
        template="plotly_white",
        width=WIDTH,
        height=HEIGHT,
        margin={"l": 70, "r": 20, "t": 50, "b": 50},
        legend={"orientation": "h", "x": 0.0, "y": 1.0, "yanchor": "bottom"},
        font={"size": 14},
    )
    return drawn


def main() -> int:
    """Draw it."""
    chromium = browser.find()
    if chromium is None:
        print("No Chromium or Chrome was found.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "posterior.html"
        figure().write_html(page_file, config={"staticPlot": True})
        driver = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"], headless=True
        )
        page = driver.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(page_file.as_uri())
        page.locator(".plot-container").screenshot(path=IMAGE)
        driver.close()
    print(IMAGE.relative_to(IMAGE.parents[2]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
