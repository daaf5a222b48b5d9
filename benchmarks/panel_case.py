"""Measurements of the panel in a real JupyterLab, in a headless browser."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
from playwright.sync_api import sync_playwright

from benchmarks.table import Row

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from _setup import browser  # noqa: E402
from _setup.jupyter import JupyterServer  # noqa: E402
from check_notebook import BROWSER_ARGUMENTS, READY  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCH = """() => {
  // When a report is in the picture: the best value's full text changes with each report (it is the
  // time of the report), and then something is stroked on a canvas.
  window.stlLatencies = [];
  window.stlPending = null;
  window.stlStrokes = 0;
  const stroke = CanvasRenderingContext2D.prototype.stroke;
  CanvasRenderingContext2D.prototype.stroke = function (...args) {
    window.stlStrokes += 1;
    if (window.stlPending !== null) {
      window.stlLatencies.push(Date.now() / 1000 - window.stlPending);
      window.stlPending = null;
    }
    return stroke.apply(this, args);
  };
  let last = null;
  const look = () => {
    const all = document.querySelectorAll('.stl-panel [data-role="best-value"]');
    const best = all[all.length - 1];
    const text = best && best.title;
    const told = text && text.match(/\\d{9,}\\.\\d+/);
    if (told && told[0] !== last) {
      last = told[0];
      window.stlPending = Number(last);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""

SETUP = """
import sys
sys.path.insert(0, {folder!r})
from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.config_space import uniform
from synetune_lab.optimizer.baselines import RandomSearch
from made_up_backend import MadeUpBackend, SteadyBackend
space = {{"x": uniform(0.0, 1.0), "epochs": 100}}

def make(backend, n_workers, **criterion):
    return Tuner(
        trial_backend=backend,
        scheduler=RandomSearch(space, metric="loss", mode="max", random_seed=1),
        stop_criterion=StoppingCriterion(**criterion),
        n_workers=n_workers,
        save_tuner=False,
    )
"""


class Lab:
    """A JupyterLab with one notebook, whose cells are run one by one."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run(self, source: str) -> None:
        """Append a cell, run it, wait for its end."""
        self.page.evaluate(
            """async (source) => {
              const app = window.jupyterapp;
              const notebook = app.shell.currentWidget.content;
              await app.commands.execute('notebook:move-cursor-down');
              notebook.activeCellIndex = notebook.widgets.length - 1;
              await app.commands.execute('notebook:insert-cell-below');
              notebook.activeCell.model.sharedModel.setSource(source);
              await app.commands.execute('notebook:run-cell');
            }""",
            source,
        )
        error = self.page.query_selector(".jp-OutputArea-output[data-mime-type*=stderr] pre")
        if error is not None and "Error" in error.inner_text():
            raise RuntimeError(error.inner_text()[-1500:])


def kernel_of(server_pid: int) -> psutil.Process:
    """The kernel's process: the youngest ipykernel below the server."""
    found = [
        process
        for process in psutil.Process(server_pid).children(recursive=True)
        if any("ipykernel" in part for part in process.cmdline())
    ]
    return max(found, key=lambda process: process.create_time())


def cpu_share(process: psutil.Process, seconds: float) -> float:
    """Share of a core that the process uses, in percent."""
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / seconds * 100


DRAWN = """async (before) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const isThere = () => {
    const panels = [...document.querySelectorAll('.stl-panel')];
    return panels.some((panel) => panel.textContent.includes('1,000') ||
      panel.textContent.includes('1000'));
  };
  while (window.stlStrokes <= before || !isThere()) await frame();
  // The picture is whole when nothing more was stroked for two frames.
  for (let quiet = 0, seen = -1; quiet < 2; quiet += 1) {
    await frame();
    if (window.stlStrokes !== seen) quiet = -1;
    seen = window.stlStrokes;
  }
}"""


def first_draw(lab: Lab) -> float:
    """Seconds from running the cell to the picture of 1,000 curves of 100 points."""
    lab.run("done = make(MadeUpBackend(), 2, max_num_trials_completed=999)")
    lab.run("done.run(progress=False)")
    before = lab.page.evaluate("() => window.stlStrokes")
    start = time.perf_counter()
    lab.run("done.dashboard()")
    lab.page.evaluate(DRAWN, before)
    return time.perf_counter() - start


def live(lab: Lab, kernel: psutil.Process) -> dict[str, float]:
    """100 trials that report twice a second each, without and with somebody looking."""
    lab.run("steady = make(SteadyBackend(200.0), 100, max_wallclock_time=120)\nsteady.start()")
    time.sleep(3.0)
    unseen = cpu_share(kernel, 10.0)
    lab.run("steady.dashboard()")
    lab.page.wait_for_selector(".stl-panel [data-role=best-value]", timeout=30_000)
    time.sleep(5.0)
    lab.page.evaluate("() => { window.stlLatencies = []; }")
    seen = cpu_share(kernel, 20.0)
    latencies = sorted(lab.page.evaluate("() => window.stlLatencies"))
    lab.run("steady.stop().result(); steady.wait()")
    return {
        "unseen": unseen,
        "cost": seen - unseen,
        "median": statistics.median(latencies),
        "p95": latencies[int(0.95 * (len(latencies) - 1))],
        "n": len(latencies),
    }


def measure_panel() -> dict[str, Any]:
    """All of it in one JupyterLab."""
    work = Path(tempfile.mkdtemp())
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("1")]
    nbformat.write(notebook, work / "panel.ipynb")
    chromium = browser.find()
    if chromium is None:
        raise RuntimeError("the panel is measured in a browser: no Chromium or Chrome was found")
    jupyter = JupyterServer(work, state=work / "jupyter", log=work / "jupyter.log")
    with jupyter as server, sync_playwright() as playwright:
        driver = playwright.chromium.launch(
            executable_path=str(chromium), args=BROWSER_ARGUMENTS, headless=True
        )
        page = driver.new_page(viewport={"width": 1400, "height": 1600})
        page.add_init_script(f"({WATCH})()")
        page.goto(server.lab_url("panel.ipynb"), wait_until="domcontentloaded")
        page.wait_for_function(READY, timeout=120_000)
        lab = Lab(page)
        lab.run(SETUP.format(folder=str(Path(__file__).parent / "measure")))
        figures: dict[str, Any] = {"first_draw": first_draw(lab)}
        page.screenshot(path=work / "first_draw.png")
        figures.update(live(lab, kernel_of(psutil.Process().pid)))
        page.screenshot(path=work / "live.png")
        driver.close()
    figures["pictures"] = str(work)
    return figures


def panel(peer: bool) -> list[Row]:  # noqa: ARG001  # the peer has no panel
    """The panel: report to picture, first draw, what it costs the kernel."""
    figures = measure_panel()
    print(json.dumps(figures), file=sys.stderr)
    at = "100 trials running, 200 reports a second"
    return [
        Row(f"report to picture, {at}, median", "s", figures["median"], None, None),
        Row(f"report to picture, {at}, 95th percentile", "s", figures["p95"], None, 0.4),
        Row(
            "panel's first draw of 1,000 curves of 100 points",
            "s",
            figures["first_draw"],
            None,
            1.5,
        ),
        Row(f"kernel time of the panel, {at}", "% of a core", figures["cost"], None, 5.0),
    ]
