"""The virtual environment with the Python packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .steps import ROOT, SetupError, Step, Steps, digest, is_stamped, write_stamp

VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
_IN_DEV = ("", "check")
"""Extras whose packages the extra `dev` holds as well; "" is none."""


def ensure(steps: Steps, extras: tuple[str, ...] = ()) -> None:
    """Make the environment and install the project into it, as far as needed.

    Args:
        steps: Where to say what happens.
        extras: Names of optional dependencies of the project to install along.

    Raises:
        SetupError: No environment can be made, or pip failed.
    """
    with steps.step(f"Python packages, in {VENV.name}") as step:
        if not _is_usable():
            _create(step)
        if not _is_installed(extras):
            what = "[" + ",".join(extras) + "]" if extras else ""
            step.note(f"Installing synetune_lab{what} and what it needs (a minute or two)")
            pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
            step.run(
                [*pip, "--editable", f".{what}"],
                log="pip",
                hint="Is the network reachable? pip's settings and proxies are used as they are.",
            )
            for name in ("", *extras):
                write_stamp(_stamp(name), _fingerprint())


def _is_usable() -> bool:
    """Whether the environment has a Python that runs, and pip."""
    if not PYTHON.exists():
        return False
    # The Python under a virtual environment may have been removed or upgraded since.
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 10))"
    return (
        subprocess.run([str(PYTHON), "-c", probe], capture_output=True, check=False).returncode == 0
    )


def _fingerprint() -> str:
    return digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py"], str(ROOT))


def _stamp(extra: str) -> Path:
    return VENV / ".synetune_lab" / (extra or "core")


def _is_installed(extras: tuple[str, ...]) -> bool:
    value = _fingerprint()

    def has(name: str) -> bool:
        return is_stamped(_stamp(name), value) or (name in _IN_DEV and has("dev"))

    return all(has(name) for name in extras or ("",))


def _create(step: Step) -> None:
    step.note(f"Making a virtual environment with Python {sys.version.split()[0]}")
    if VENV.exists():
        shutil.rmtree(VENV)  # made by a Python that is gone, or left half-made
    attempts = [
        [sys.executable, "-m", "venv", str(VENV)],
        [sys.executable, "-m", "virtualenv", str(VENV)],
    ]
    failures = []
    for command in attempts:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and _is_usable():
            return
        failures.append((answer.stdout + answer.stderr).strip())
        shutil.rmtree(VENV, ignore_errors=True)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    raise SetupError(
        f"Python {version} ({sys.executable}) cannot make a virtual environment:\n{failures[0]}\n"
        f"On Debian and Ubuntu: sudo apt-get install python{version}-venv, then run this again. "
        "Elsewhere: use a Python that has the modules venv and ensurepip, or install virtualenv."
    )
