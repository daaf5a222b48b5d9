"""Running a measurement with this package and with its peer, each in its own environment."""

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


def ensure_peer() -> Path:
    """The peer's interpreter; its environment is made when it is missing."""
    python = PEER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(
            f"Installing {PEER_REQUIREMENT} into {PEER_ENVIRONMENT.relative_to(HERE.parent)} ...",
            file=sys.stderr,
        )
        venv.create(PEER_ENVIRONMENT, with_pip=True)
        packages = [PEER_REQUIREMENT, *PEER_EXTRAS]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def measure(
    script: str, package: str, *args: object, limit_s: float = 900.0
) -> dict[str, Any] | None:
    """What `measure/{script}.py` prints for the package; None if it failed or took too long."""
    python = Path(sys.executable) if package == OURS else ensure_peer()
    command = [str(python), str(HERE / "measure" / f"{script}.py"), package, *map(str, args)]
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
