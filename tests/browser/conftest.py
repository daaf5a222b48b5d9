"""One JupyterLab server and one browser for all tests; a page of its own for each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.lab import ROOT, SCREENSHOTS, LabServer, Notebook

sys.path.insert(0, str(ROOT / "scripts"))

from _setup import browser as browsers
from check_notebook import BROWSER_ARGUMENTS

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1400, 1300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these need a browser, and more time than others."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(150))


@pytest.fixture(autouse=True)
def experiments_folder() -> None:
    """The server has folders of its own; they outlive a test."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    if not (ROOT / "synetune_lab" / "static" / "widget.js").is_file():
        pytest.skip("the front end is not built: run `npm run build`")
    work = tmp_path_factory.mktemp("lab")
    root = work / "notebooks"
    root.mkdir()
    with LabServer(root, state=work / "jupyter", log=work / "jupyter.log") as running:
        assert isinstance(running, LabServer)
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = browsers.find()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed")
    with sync_playwright() as playwright:
        driver = playwright.chromium.launch(
            executable_path=str(program), args=BROWSER_ARGUMENTS, headless=True
        )
        yield driver
        driver.close()


class Pages:
    """Opens pages, and keeps what they complain of."""

    def __init__(self, driver: Browser) -> None:
        self._driver = driver
        self.errors: list[str] = []
        self._pages: list[Page] = []

    def new(self) -> Page:
        """A page with a profile of its own, as another browser would have it."""
        context = self._driver.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._pages.append(page)
        return page

    def open(self, url: str, path: str) -> Notebook:
        """A new page with a notebook, ready to run."""
        page = self.new()
        page.goto(url, wait_until="domcontentloaded")
        return Notebook(page, path).wait_ready()

    def shoot(self, name: str) -> None:
        """Pictures of all pages, for whoever looks into a failure."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for i, page in enumerate(self._pages):
            if not page.is_closed():
                page.screenshot(path=SCREENSHOTS / f"failed-{name}-{i}.png")

    def close(self) -> None:
        """Close all of them."""
        for page in self._pages:
            page.context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell fixtures whether the test has failed."""
    report = yield
    if report.when == "call":  # type: ignore[attr-defined]
        item.stash[_FAILED] = report.failed  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]


_FAILED = pytest.StashKey[bool]()


@pytest.fixture
def pages(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Pages]:
    opened = Pages(chromium)
    yield opened
    if request.node.stash.get(_FAILED, False):
        opened.shoot(request.node.name)
    opened.close()


@pytest.fixture
def open_lab(server: LabServer, pages: Pages) -> Callable[..., Notebook]:
    """Writes a notebook of these cells and opens it in JupyterLab."""

    def open_(name: str, *cells: str) -> Notebook:
        path = server.write(name, *cells)
        return pages.open(server.workspace_url(path), path)

    return open_
