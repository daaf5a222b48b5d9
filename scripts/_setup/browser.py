"""A browser of the Chromium family for the headless checks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .environment import PYTHON
from .steps import SetupError, Step, is_linux, version_of

VARIABLE = "SYNETUNE_LAB_BROWSER"
NAMES = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
]
PLACES = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
_PLAYWRIGHT_PATH = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)


def find() -> Path | None:
    """The browser that is installed, None if there is none.

    Raises:
        SetupError: The environment variable names something that is not there.
    """
    wished = os.environ.get(VARIABLE)
    if wished:
        if not Path(wished).exists():
            raise SetupError(f"{VARIABLE} is {wished!r}, and there is no such file.")
        return Path(wished)
    on_path = [found for name in NAMES if (found := shutil.which(name))]
    places = [*on_path, *PLACES, _playwrights_own()]
    return next((Path(place) for place in places if place and _runs(Path(place))), None)


def ensure(step: Step) -> Path:
    """The browser that is installed, or else one that is installed now.

    Tries Debian's package where this process may install it, then Playwright's own download.

    Raises:
        SetupError: There is none, and none can be installed.
    """
    found = find()
    if found is None and _may_use_apt():
        step.note("Installing chromium with apt-get")
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        script = "apt-get update -q && apt-get install -y -q chromium"
        found = _try(step, ["sh", "-c", script], log="apt", env=env)
    if found is None:
        step.note("Downloading Chromium with Playwright")
        command = [str(PYTHON), "-m", "playwright", "install", "chromium"]
        found = _try(step, command, log="playwright", env=dict(os.environ))
    if found is None:
        raise SetupError(
            "No browser was found, and none could be installed (see build/logs). The check needs "
            "Chromium or Chrome: install one, for example with `sudo apt-get install chromium`, or "
            f"name one by the environment variable {VARIABLE}."
        )
    if step.outcome == "up to date":
        step.outcome = str(found)
    return found


def _try(step: Step, command: list[str], *, log: str, env: dict[str, str]) -> Path | None:
    try:
        step.run(command, log=log, env=env)
    except SetupError:
        return None
    return find()


def _runs(place: Path) -> bool:
    # Ubuntu's `chromium-browser` may be a script that only tells to install a snap.
    return place.exists() and version_of([str(place), "--version"]) is not None


def _may_use_apt() -> bool:
    if not is_linux() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    # Ubuntu's package of that name is a wrapper around a snap, which containers cannot install.
    return "id=debian" in Path("/etc/os-release").read_text().lower()


def _playwrights_own() -> str | None:
    answer = subprocess.run(
        [str(PYTHON), "-c", _PLAYWRIGHT_PATH], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
