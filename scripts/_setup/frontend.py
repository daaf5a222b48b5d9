"""The npm packages and the built front end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .environment import VENV
from .steps import ROOT, SetupError, Step, Steps, digest, is_stamped, version_of, write_stamp

OLDEST_NODE = 20
LABEXTENSION = ROOT / "synetune_lab" / "labextension"
OUTPUTS = [LABEXTENSION / "package.json", ROOT / "synetune_lab" / "static" / "widget.js"]
LOCK_FILES = [ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc"]
SOURCES = [
    *(ROOT / name for name in ("src_ts", "style", "schema", "install.json")),
    *(ROOT / name for name in ("tsconfig.json", "tsconfig.build.json")),
]


def ensure(steps: Steps) -> None:
    """Install the npm packages, build the front end and show it to JupyterLab, as far as needed.

    Raises:
        SetupError: Node is missing or too old, or npm failed.
    """
    with steps.step("npm packages, in node_modules") as step:
        npm = _npm()
        packages = digest(LOCK_FILES)
        stamp = ROOT / "node_modules" / ".synetune_lab"
        if not is_stamped(stamp, packages):
            step.note("Installing the npm packages (about a minute)")
            step.run(
                [npm, "ci", "--no-audit", "--no-fund"],
                log="npm-ci",
                hint="Is the network reachable? npm's settings and proxies are used as they are.",
            )
            write_stamp(stamp, packages)
    with steps.step("Front end") as step:
        sources = digest(SOURCES, packages)
        stamp = ROOT / "build" / "front-end.stamp"
        built = all(path.exists() for path in OUTPUTS)
        if not (built and is_stamped(stamp, sources)):
            step.note("Building the widget and the JupyterLab extension")
            step.run([npm, "run", "build"], log="npm-build")
            write_stamp(stamp, sources)
        _show_to_jupyterlab(step)


def _npm() -> str:
    node = version_of(["node", "--version"])
    npm = shutil.which("npm")
    if node is None or npm is None:
        missing = "Node" if node is None else "npm"
        raise SetupError(
            f"{missing} was not found on the PATH. The front end is built with Node {OLDEST_NODE} "
            "or newer and its npm: https://nodejs.org (or your package manager, nvm, conda)."
        )
    if node[0] < OLDEST_NODE:
        raise SetupError(
            f"Node {OLDEST_NODE} or newer is needed, and this is Node {'.'.join(map(str, node))} "
            f"({shutil.which('node')}). Get a newer one from https://nodejs.org, nvm or conda."
        )
    return npm


def _show_to_jupyterlab(step: Step) -> None:
    """Link the built extension into the environment, where JupyterLab looks for extensions."""
    place = VENV / "share" / "jupyter" / "labextensions" / "synetune-lab"
    if place.is_symlink() and place.resolve() == LABEXTENSION.resolve():
        return
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(
            Path(os.path.relpath(LABEXTENSION, place.parent)), target_is_directory=True
        )
    except OSError:  # a file system without symbolic links; the copy is renewed with each build
        shutil.copytree(LABEXTENSION, place)
    step.outcome = "done"
