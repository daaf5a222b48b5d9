#!/usr/bin/env python3
"""Run a notebook in JupyterLab in a headless browser, the way a user would, and look at it.

    .venv/bin/python scripts/check_notebook.py notebooks/quickstart.ipynb --out build/check

Runs all cells of a copy, fails with the output of the cell that fails, makes sure that the
tuning panel (`.stl-panel`) appeared, and leaves screenshots and the executed copy in the folder.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from _setup import browser
from _setup.jupyter import JupyterServer
from playwright.sync_api import Page, sync_playwright

BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What the page tells of the notebook: how far it is, and the errors that its cells show.
LOOK = r"""() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = Array.from(panel.content.model.cells);
  const errors = [];
  cells.forEach((cell, index) => {
    if (cell.type !== 'code') return;
    for (const output of cell.sharedModel.getOutputs()) {
      if (output.output_type === 'error') {
        errors.push({index, source: cell.sharedModel.getSource(),
                     text: output.traceback.join('\n') || `${output.ename}: ${output.evalue}`});
      }
    }
  });
  const code = cells.filter(c => c.type === 'code');
  return {
    cells: code.length,
    executed: code.filter(c => c.executionCount !== null && c.executionState !== 'running').length,
    errors,
    kernelFault: window.stlKernelFault,
    finished: window.stlRun === undefined ? null : window.stlRun,
  };
}"""
START = """() => {
  window.stlRun = null;
  window.stlKernelFault = null;
  window.jupyterapp.shell.currentWidget.sessionContext.statusChanged.connect((_, status) => {
    if (['dead', 'autorestarting', 'terminating'].includes(status)) {
      window.stlKernelFault = status;
    }
  });
  window.jupyterapp.commands.execute('notebook:run-all-cells')
    .then(() => { window.stlRun = 'done'; }, error => { window.stlRun = String(error); });
}"""
READY = """() => {
  const app = window.jupyterapp;
  const panel = app && app.shell.currentWidget;
  return Boolean(panel && panel.sessionContext && panel.sessionContext.isReady
    && panel.content.model && app.commands.hasCommand('notebook:run-all-cells')
    && ['idle', 'busy'].includes(panel.sessionContext.session?.kernel?.status));
}"""


class NotebookError(Exception):
    """The notebook did not do what it should; the message says what it did."""


def run_notebook(notebook: Path, chromium: Path, out: Path, *, timeout: float) -> None:
    """Run one notebook from top to bottom in a headless browser.

    Args:
        notebook: The notebook; a copy of it in `out` is run.
        chromium: The browser's program.
        out: Where screenshots, logs and the executed copy go; emptied before.
        timeout: The longest that all cells together may take, in seconds.

    Raises:
        NotebookError: A cell failed, the kernel died, time ran out or no panel appeared.
    """
    shutil.rmtree(out, ignore_errors=True)
    work = out / "work"
    work.mkdir(parents=True)
    copy = Path(shutil.copy(notebook, work / notebook.name))
    jupyter = JupyterServer(work, state=out / "jupyter", log=out / "jupyter.log")
    with jupyter as server, sync_playwright() as playwright:
        driver = playwright.chromium.launch(
            executable_path=str(chromium), args=BROWSER_ARGUMENTS, headless=True
        )
        page = driver.new_page(viewport={"width": 1400, "height": 1000})
        console: list[str] = []
        page.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: console.append(f"page error: {error}"))
        try:
            page.goto(server.lab_url(copy.name), wait_until="domcontentloaded")
            page.wait_for_function(READY, timeout=120_000)
            _run_all_cells(page, timeout)
            _look_at_panel(page, out)
            page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        finally:
            (out / "console.log").write_text("\n".join(console))
            page.screenshot(path=out / f"{notebook.stem}.png")
            driver.close()
    shutil.copy(copy, out / f"{notebook.stem}-executed.ipynb")


def _run_all_cells(page: Page, timeout: float) -> None:
    page.evaluate(START)
    deadline, told = time.monotonic() + timeout, -1
    while True:
        seen = page.evaluate(LOOK)
        if seen["executed"] != told:
            told = seen["executed"]
            print(f"      {told} of {seen['cells']} cells", flush=True)
        if seen["errors"]:
            raise NotebookError("\n\n".join(_describe(error) for error in seen["errors"]))
        if seen["kernelFault"]:
            raise NotebookError(f"The kernel died ({seen['kernelFault']}) after {told} cells.")
        if seen["finished"] == "done" and seen["executed"] == seen["cells"]:
            return
        if seen["finished"] not in (None, "done"):
            raise NotebookError(f"JupyterLab could not run the cells: {seen['finished']}")
        if time.monotonic() > deadline:
            raise NotebookError(f"Only {told} of {seen['cells']} cells ran within {timeout:.0f} s.")
        page.wait_for_timeout(250)


def _describe(error: dict[str, object]) -> str:
    plain = _without_colours(str(error["text"]))
    return f"Cell {error['index']} failed:\n{error['source']}\n\n{plain}"


def _without_colours(text: str) -> str:
    pieces = text.split("\x1b[")
    return pieces[0] + "".join(piece.split("m", 1)[-1] for piece in pieces[1:])


def _look_at_panel(page: Page, out: Path) -> None:
    panel = page.locator(".jp-Notebook .stl-panel").first
    try:
        panel.wait_for(state="visible", timeout=30_000)
    except Exception as error:
        raise NotebookError(
            "All cells ran, and no tuning panel (.stl-panel) appeared in the notebook; see "
            f"{out}/console.log"
        ) from error
    panel.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # let the charts be drawn before the picture is taken
    panel.screenshot(path=out / "panel.png")


def main() -> int:
    """The command line; 0 if the notebook did what it should."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument(
        "--browser", type=Path, help="the browser's program; default: the first found"
    )
    parser.add_argument("--out", type=Path, default=Path("build/check"), help="where results go")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for all cells")
    options = parser.parse_args()
    chromium = options.browser or browser.find()
    if chromium is None:
        sys.exit("No Chromium or Chrome was found; install one or name it with --browser.")
    # Ended from outside, leave through the context managers, which stop server and browser.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    start = time.monotonic()
    try:
        run_notebook(options.notebook, chromium, options.out.resolve(), timeout=options.timeout)
    except NotebookError as failure:
        print(f"\n{options.notebook.name}: FAILED\n{failure}\n(more in {options.out})")
        return 1
    took = time.monotonic() - start
    print(f"{options.notebook.name}: all cells ran and the panel is there ({took:.0f} s).")
    print(f"Screenshots and the executed notebook are in {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
