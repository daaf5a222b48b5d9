"""Take the pictures of the documentation: a real run in a real JupyterLab, in a headless browser.

    .venv/bin/python scripts/take_pictures.py
    .venv/bin/python scripts/take_pictures.py --remote

The run is that of the quick-start notebook. With `--remote` it is sent to SageMaker, or rather to
the tests' stand-in for it, which needs boto3 and moto. Pictures go to docs/images.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _setup import browser
from _setup.jupyter import JupyterServer
from check_notebook import BROWSER_ARGUMENTS, READY
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"
LAST_CELL = "start"
RUN_UP_TO = """async (count) => {
  const app = window.jupyterapp;
  const notebook = app.shell.currentWidget.content;
  for (let i = 0; i < count; i += 1) {
    notebook.activeCellIndex = i;
    await app.commands.execute('notebook:run-cell');
  }
}"""
PANEL = ".stl-panel"
REMOTE_NOTEBOOK = "remote.ipynb"
LAUNCH = """from synetune_lab.remote import RemoteLauncher

launcher = RemoteLauncher(tuner, s3_path="s3://pictures/experiments")
run = launcher.run(wait=False)
run"""


def cells_to_run() -> int:
    """How many cells there are up to the one that shows the panel."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return 1 + next(i for i, cell in enumerate(cells) if cell["id"] == LAST_CELL)


def shoot(page: Page, name: str, selector: str = PANEL) -> None:
    """One picture of an element."""
    element = page.locator(selector).last
    element.scroll_into_view_if_needed()
    page.mouse.move(5, 5)
    page.wait_for_timeout(600)
    element.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


def theme(page: Page, name: str) -> None:
    """Change JupyterLab's theme."""
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name
    )
    page.wait_for_timeout(1500)


def take(page: Page, cells: int, seconds: float) -> None:
    """All pictures, one after the other."""
    page.evaluate(RUN_UP_TO, cells)
    page.wait_for_selector(PANEL)
    page.wait_for_timeout(seconds * 1000)
    shoot(page, "panel")
    theme(page, "JupyterLab Dark")
    shoot(page, "panel-dark")
    theme(page, "JupyterLab Light")
    page.set_viewport_size({"width": 1360, "height": 2000})
    page.locator(f"{PANEL} [data-action=drawer-space]").click()
    page.wait_for_timeout(800)
    shoot(page, "space", f"{PANEL} .stl-drawers")
    page.locator(f"{PANEL} [data-action=drawer-space]").click()
    page.set_viewport_size({"width": 1360, "height": 1000})
    page.locator(f"{PANEL} .stl-row").nth(5).click()
    page.keyboard.press("Enter")
    page.wait_for_timeout(1200)
    shoot(page, "trial")
    page.keyboard.press("Escape")
    page.evaluate("() => void window.jupyterapp.commands.execute('launcher:create')")
    page.wait_for_timeout(1500)
    shoot(page, "launcher", ".jp-Launcher")


@contextlib.contextmanager
def cloud(folder: Path) -> Iterator[dict[str, str]]:
    """A stand-in for AWS on this machine, and the variables that lead a kernel there."""
    sys.path.insert(0, str(ROOT))
    from tests.backend.sagemaker.fake_cloud import ENVIRONMENT, FakeCloud
    from tests.backend.sagemaker.moto_server import Moto

    os.environ.update(ENVIRONMENT)  # jobs are processes of this one
    moto = Moto()
    server = FakeCloud(moto)
    server.s3.create_bucket(Bucket="pictures")
    try:
        yield {
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": server.url,
            "AWS_CONFIG_FILE": str(folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        }
    finally:
        server.close()
        moto.close()


def write_remote_notebook(path: Path, variables: dict[str, str]) -> int:
    """The quick-start notebook up to its tuner, which is sent away then; its number of cells."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    cells = notebook["cells"][: cells_to_run() - 1]
    for name, source in (
        ("cloud", f"import os\nos.environ.update({variables!r})"),
        ("launch", LAUNCH),
    ):
        code: dict[str, object] = {"cell_type": "code", "execution_count": None}
        code |= {"metadata": {}, "outputs": []}
        cells.append({**code, "id": name, "source": source})
    path.write_text(json.dumps({**notebook, "cells": cells}), "utf-8")
    return len(cells)


def take_remote(page: Page, cells: int, seconds: float) -> None:
    """The pictures of a run that a job drives."""
    page.evaluate(RUN_UP_TO, cells)
    page.wait_for_selector(PANEL)
    page.wait_for_timeout(seconds * 1000)
    shoot(page, "remote")


def main() -> int:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--remote", action="store_true", help="those of a run on SageMaker")
    is_remote = parser.parse_args().remote
    chromium = browser.find()
    if chromium is None:
        print("No Chromium or Chrome was found.", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp())
    shutil.copy(NOTEBOOK, work / NOTEBOOK.name)
    jupyter = JupyterServer(work, state=work / "jupyter", log=work / "jupyter.log")
    with contextlib.ExitStack() as stack:
        cells, shown = cells_to_run(), NOTEBOOK.name
        if is_remote:
            shown = REMOTE_NOTEBOOK
            cells = write_remote_notebook(work / shown, stack.enter_context(cloud(work)))
        server, playwright = stack.enter_context(jupyter), stack.enter_context(sync_playwright())
        driver = playwright.chromium.launch(
            executable_path=str(chromium), args=BROWSER_ARGUMENTS, headless=True
        )
        page = driver.new_page(viewport={"width": 1360, "height": 1000}, device_scale_factor=1.5)
        page.goto(server.lab_url(shown), wait_until="domcontentloaded")
        page.wait_for_function(READY, timeout=120_000)
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        if is_remote:
            take_remote(page, cells, seconds=60)
        else:
            take(page, cells, seconds=45)
        driver.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
