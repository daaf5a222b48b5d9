"""Running a measurement with this package and with its peers, each in its own environment."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER_ENVIRONMENT = HERE / ".peer"
PEER_REQUIREMENT = "syne-tune==0.13.0"
# What its simulator and its searchers need beside it.
PEER_EXTRAS = ["statsmodels", "xgboost-cpu", "scikit-learn", "fastparquet", "s3fs", "h5py"]
OURS, PEER = "synetune_lab", "syne_tune"
# Two more, for Bayesian optimisation; they share an environment.
OPTUNA, BOTORCH = "optuna", "botorch"
PEER_BO_ENVIRONMENT = HERE / ".peer_bo"
PEER_BO_REQUIREMENTS = ["torch==2.13.0", "optuna==5.0.0", "botorch==0.18.1", "scikit-learn"]


def ensure_peer() -> Path:
    """The peer's interpreter; its environment is made when it is missing."""
    return _ensure(PEER_ENVIRONMENT, [PEER_REQUIREMENT, *PEER_EXTRAS])


def interpreter(package: str) -> Path:
    """The interpreter of an environment that has the package."""
    if package == OURS:
        return Path(sys.executable)
    if package in (OPTUNA, BOTORCH):
        return _ensure(PEER_BO_ENVIRONMENT, PEER_BO_REQUIREMENTS)
    return ensure_peer()


def _ensure(environment: Path, packages: list[str]) -> Path:
    python = environment / "bin" / "python"
    if not python.exists():
        place = environment.relative_to(HERE.parent)
        print(f"Installing {packages[0]} ... into {place} ...", file=sys.stderr)
        venv.create(environment, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def measure(
    script: str, package: str, *args: object, limit_s: float = 900.0
) -> dict[str, Any] | None:
    """What `measure/{script}.py` prints for the package; None if it failed or took too long."""
    command = [
        str(interpreter(package)),
        str(HERE / "measure" / f"{script}.py"),
        package,
        *map(str, args),
    ]
    try:
        # Somewhere else: the peer leaves a log in the folder that it is started in.
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=limit_s, check=True, cwd=folder
            )
    except subprocess.TimeoutExpired:
        print(f"{script} with {package}: over {limit_s:.0f} s, given up", file=sys.stderr)
        return None
    except subprocess.CalledProcessError as error:
        print(f"{script} with {package} failed:\n{error.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])  # type: ignore[no-any-return]
