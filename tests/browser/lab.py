"""Drives JupyterLab and Notebook 7 in a real browser: notebooks, cells, panels."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from _setup.jupyter import JupyterServer  # noqa: E402

SCREENSHOTS = ROOT / "build" / "screenshots"

TRAIN = """
import argparse, os, sys, time
from pathlib import Path
from synetune_lab.report import Reporter, stop_requested

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float, default=0.0)
parser.add_argument("--units", type=int, default=8)
parser.add_argument("--label", default="")
parser.add_argument("--epochs", type=int, default=27)
parser.add_argument("--pace", type=float, default=0.2)
parser.add_argument("--st_checkpoint_dir", default=".")
args, _ = parser.parse_known_args()
folder = Path(args.st_checkpoint_dir)
folder.mkdir(parents=True, exist_ok=True)
state = folder / "epoch"
epoch = int(state.read_text()) if state.exists() else 0
report = Reporter()
print(args.label, flush=True)
stop_requested()  # from here on, a pause waits until it is asked for
while epoch < args.epochs:
    epoch += 1
    time.sleep(args.pace)
    state.write_text(str(epoch))
    report(epoch=epoch, loss=(args.x - 0.3) ** 2 + 1.0 / (epoch + args.units / 8))
    if stop_requested():
        sys.exit(0)
"""

HOSTILE = "<img src=x onerror=window.stlPwned=1>"
"""What becomes an element, and runs, if text is ever taken for HTML."""

SETUP = """
from synetune_lab import StoppingCriterion, Tuner
from synetune_lab.backend import LocalBackend
from synetune_lab.config_space import choice, randint, uniform
from synetune_lab.optimizer.baselines import ASHA, RandomSearch

space = {{
    "x": uniform(0.0, 1.0),
    "units": randint(4, 64),
    "label": choice([{hostile!r}, "calm"]),
    "pace": {pace},
    "epochs": 27,
}}
scheduler = {scheduler}
tuner = Tuner(
    LocalBackend({train!r}, grace_period_s=5.0),
    scheduler,
    StoppingCriterion(max_wallclock_time=300),
    n_workers=2,
    tuner_name={name!r},
    suffix_tuner_name=False,
)
"""

SCHEDULERS = {
    "asha": """ASHA(space, metric="loss", resource_attr="epoch", max_resource_attr="epochs",
                 random_seed=1, type="promotion")""",
    "random": 'RandomSearch(space, metric="loss", random_seed=1)',
}

BUSY = """
import time
_end = time.monotonic() + {seconds}
_n = 0
while time.monotonic() < _end:
    _n += 1
print("computed", _n > 0)
open("{name}.computed", "w").close()
"""

_READY = """(path) => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const status = panel?.sessionContext?.session?.kernel?.status;
  return Boolean(panel?.context?.path === path && panel.sessionContext.isReady
    && panel.content?.model && ['idle', 'busy'].includes(status));
}"""
_RUN_CELL = """(index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  window.jupyterapp.commands.execute('notebook:run-cell');
}"""
_PAINTED = """(canvas) => {
  const { width, height } = canvas;
  if (width === 0 || height === 0) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  let n = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) n += 1;
  return n;
}"""


_workspaces = itertools.count()


class LabServer(JupyterServer):
    """A server whose pages of JupyterLab and Notebook 7 let tests at the application object."""

    def _command(self) -> list[str]:
        return [
            *super()._command(),
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]

    def _environment(self) -> dict[str, str]:
        # Kernels import the package from this checkout, wherever pytest was started.
        return {**super()._environment(), "PYTHONPATH": str(ROOT)}

    @property
    def root(self) -> Path:
        """The folder that it serves."""
        return self._root

    def workspace_url(self, path: str) -> str:
        """The address that opens a notebook in a workspace where nothing else is open."""
        workspace = f"/lab/workspaces/{next(_workspaces)}/tree/"
        return self.lab_url(path).replace("/lab/tree/", workspace)

    def notebook_url(self, path: str) -> str:
        """The address that opens a notebook in Notebook 7."""
        return self.lab_url(path).replace("/lab/tree/", "/notebooks/")

    def write(self, name: str, *cells: str) -> str:
        """A new notebook of code cells; its file name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self._root / f"{name}.ipynb")
        return f"{name}.ipynb"

    def busy(self, name: str, seconds: int) -> str:
        """Code that computes for a while (see `has_computed`)."""
        return BUSY.format(name=name, seconds=seconds)

    def has_computed(self, name: str) -> bool:
        """Whether the code of `busy` has come to its end. What the browser shows as the kernel's
        status does not tell: requests on the control channel make it idle, too.
        """
        return (self._root / f"{name}.computed").exists()

    def setup(self, name: str, pace: float = 0.2, scheduler: str = "asha") -> str:
        """Code that makes a tuner. With ASHA trials pause soon, with `random` each goes on."""
        train = self._root / "train.py"
        train.write_text(TRAIN)
        return SETUP.format(
            train=str(train),
            name=name,
            pace=pace,
            hostile=HOSTILE,
            scheduler=SCHEDULERS[scheduler],
        )


def wait_until(page: Page, condition: Callable[[], Any], what: str, timeout: float = 20.0) -> Any:
    """Poll until true, letting the page go on meanwhile; fails with `what`."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} after {timeout} seconds"
        page.wait_for_timeout(50)
    return value


class Panel:
    """A tuning panel on a page."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.page = root.page

    def role(self, name: str) -> Locator:
        """The element with a `data-role`."""
        return self.root.locator(f'[data-role="{name}"]').first

    def text(self, role: str) -> str:
        """Its text."""
        return self.role(role).inner_text().strip()

    def button(self, action: str, trial: int | None = None) -> Locator:
        """The button of an action, of one trial if it is given."""
        of_trial = "" if trial is None else f'[data-trial="{trial}"]'
        return self.root.locator(f'[data-action="{action}"]{of_trial}').first

    def click(self, action: str, trial: int | None = None) -> None:
        """A real click of a button. Rows move as trials come: it is looked for until it rests."""
        self.button(action, trial).click(timeout=10_000)

    def confirm(self) -> None:
        """Say yes to the question that came up."""
        self.root.locator('dialog [data-action="confirm"]').click()

    @property
    def state(self) -> str:
        """What the run does, in a word."""
        return self.text("run-state")

    def wait_state(self, *states: str, timeout: float = 20.0) -> None:
        """Wait until the run is in one of these states."""
        wait_until(
            self.page, lambda: self.state in states, f"state {states} (is {self.state!r})", timeout
        )

    def wait_live(self, path: str = "control", timeout: float = 30.0) -> None:
        """Wait until the panel is connected by this way."""
        wait_until(
            self.page,
            lambda: self.role("link-path").get_attribute("data-path") == path,
            f"link over {path!r}",
            timeout,
        )

    def statuses(self) -> dict[int, str]:
        """The state of the trials whose rows are in view."""
        found = self.root.locator(".stl-row[data-trial]").evaluate_all(
            """(rows) => rows.filter((row) => row.offsetParent !== null).map((row) =>
                 [Number(row.dataset.trial),
                  row.querySelector('.stl-mark')?.dataset.status ?? ''])"""
        )
        return {int(trial): str(status) for trial, status in found}

    def painted(self, chart: str) -> int:
        """Number of pixels that are drawn on the canvases of a chart."""
        canvases = self.role(f"chart-{chart}").locator("canvas")
        return sum(canvases.nth(i).evaluate(_PAINTED) for i in range(canvases.count()))

    def shoot(self, name: str) -> None:
        """A picture, to be looked at."""
        self.root.screenshot(path=self.pictures() / f"{name}.png")

    @staticmethod
    def pictures() -> Path:
        """The folder for pictures."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        return SCREENSHOTS


class Notebook:
    """A notebook in JupyterLab or Notebook 7."""

    def __init__(self, page: Page, path: str) -> None:
        self.page = page
        self.path = path

    def wait_ready(self) -> Notebook:
        """Wait for the page, the document and its kernel."""
        self.page.wait_for_function(_READY, arg=self.path, timeout=90_000)
        return self

    def start(self, index: int) -> None:
        """Run a cell without waiting for it."""
        self.page.evaluate(_RUN_CELL, index)

    def run(self, index: int, timeout: float = 60.0) -> None:
        """Run a cell to its end; its error is the test's."""
        before = self._count(index)
        self.start(index)
        wait_until(
            self.page,
            lambda: self._count(index) not in (None, before),
            f"end of cell {index}",
            timeout,
        )
        errors = [o for o in self.outputs(index) if o["output_type"] == "error"]
        assert not errors, "\n".join(errors[0]["traceback"])

    def _count(self, index: int) -> int | None:
        return self.page.evaluate(  # type: ignore[no-any-return]
            """(index) => {
              const cell = window.jupyterapp.shell.currentWidget.content.widgets[index].model;
              return cell.executionState === 'running' ? null : cell.executionCount;
            }""",
            index,
        )

    def prompt(self, index: int) -> str:
        """What stands beside a cell: `[*]:` while it computes."""
        prompts = self.page.locator(".jp-Notebook .jp-Cell .jp-InputPrompt")
        return prompts.nth(index).inner_text().strip()

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell."""
        return json.loads(  # type: ignore[no-any-return]
            self.page.evaluate(
                """(index) => JSON.stringify(window.jupyterapp.shell.currentWidget
                     .content.widgets[index].model.sharedModel.getOutputs())""",
                index,
            )
        )

    def printed(self, index: int) -> str:
        """What a cell has written."""
        texts = [o["text"] for o in self.outputs(index) if o["output_type"] == "stream"]
        return "".join("".join(text) for text in texts)

    def panel(self, index: int) -> Panel:
        """The panel in the output of a cell, as soon as it is there."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        root = cells.nth(index).locator(".stl-panel").first
        root.wait_for(state="visible", timeout=30_000)
        root.scroll_into_view_if_needed()
        return Panel(root)

    def save(self) -> None:
        """Save the document."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
