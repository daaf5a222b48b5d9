#!/usr/bin/env python3
"""Set the project up and open JupyterLab on the quick-start notebook.

    python3 scripts/start.py            set up what is missing, open JupyterLab
    python3 scripts/start.py --check    set up, run the notebook in a headless browser, exit 0
    python3 scripts/start.py --setup    set up and stop there

Needs Python 3.10 or newer and Node 20 or newer; everything else lands in this folder
(`.venv`, `node_modules`, `build`). What is up to date is not done again.
"""

import sys

if sys.version_info < (3, 10):  # before anything is imported that an old Python cannot read
    sys.exit(
        f"synetune_lab needs Python 3.10 or newer; this is Python {sys.version.split()[0]} "
        f"({sys.executable}).\nRun this script with a newer one, for example: "
        f"python3.12 {sys.argv[0]}"
    )

import argparse
import os
import subprocess

from _setup import browser, environment, frontend
from _setup.steps import ROOT, SetupError, Steps

NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"


def main() -> int:
    """Set up, then open or check the notebook; the exit status of the last step."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="run the notebook headless, exit 0")
    mode.add_argument("--setup", action="store_true", help="only set up")
    parser.add_argument("--no-browser", action="store_true", help="print JupyterLab's address only")
    options = parser.parse_args()

    steps = Steps(total=5 if options.check else 3)
    environment.ensure(steps, extras=("check",) if options.check else ())
    frontend.ensure(steps)
    if options.setup:
        steps.say("Everything is set up.")
        return 0
    if options.check:
        return _check(steps)
    return _open(options.no_browser)


def _check(steps: Steps) -> int:
    with steps.step("Browser") as step:
        found = browser.ensure(step)
    steps.announce("Quick-start notebook in a headless browser (a few minutes)")
    command = [str(environment.PYTHON), str(ROOT / "scripts" / "check_notebook.py")]
    command += [str(NOTEBOOK), "--browser", str(found), "--out", str(ROOT / "build" / "check")]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def _open(no_browser: bool) -> int:
    print("Opening JupyterLab; stop it with Ctrl-C.", flush=True)
    command = [str(environment.PYTHON), "-m", "jupyterlab", str(NOTEBOOK)]
    command += ["--no-browser"] if no_browser else []
    # Jupyter refuses to serve as root, which is what one is in a container, unless told.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SetupError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; run the command again to go on from here.")
