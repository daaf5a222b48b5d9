"""``synetune-lab quickstart``: open JupyterLab on a copy of the quick-start notebook."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from synetune_lab.errors import MissingDependencyError, SynetuneLabError

HELP = "open JupyterLab on a copy of the quick-start notebook"
NAME = "quickstart.ipynb"
_PACKAGE = Path(__file__).resolve().parents[1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the copy goes and whether a browser opens."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("synetune-lab-quickstart"),
        help="where the copy goes (default: ./%(default)s); a copy that is there is kept",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")


def run(options: argparse.Namespace) -> int:
    """Copy the notebook, unless there is a copy, and serve it until Ctrl-C."""
    if find_spec("jupyterlab") is None:
        raise MissingDependencyError(
            "JupyterLab is not installed in this environment. Install it with: "
            'pip install "jupyterlab>=4.4,<5"'
        )
    notebook = place_notebook(options.folder)
    command = [sys.executable, "-m", "jupyterlab", str(notebook)]
    if options.no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # whoever is root here, in a container, chose to be
    return subprocess.run(command, check=False).returncode


def place_notebook(folder: Path) -> Path:
    """Put a copy of the quick-start notebook into a folder, unless one is there.

    Args:
        folder: Where; made if needed.

    Returns:
        The path of the copy, new or old: what a user edited is never overwritten.

    Raises:
        SynetuneLabError: The folder cannot be written, or the notebook was not installed.
    """
    copy = folder.expanduser().resolve() / NAME
    if copy.exists():
        print(f"Opening your copy {copy} (for a fresh one, name another --folder).")
        return copy
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_original(), copy)
    except OSError as error:
        raise SynetuneLabError(
            f"the quick-start notebook cannot be copied to {copy.parent}: {error.strerror}; "
            "name a folder that you may write with --folder"
        ) from error
    print(f"Copied the quick-start notebook to {copy}.")
    return copy


def _original() -> Path:
    # An installed wheel has it inside the package, a checkout beside the package.
    places = [_PACKAGE / "notebooks" / NAME, _PACKAGE.parent / "notebooks" / NAME]
    for place in places:
        if place.exists():
            return place
    raise SynetuneLabError(
        f"the quick-start notebook is missing from the installation: {places[0]}"
    )
