"""How many GPUs this machine has."""

from __future__ import annotations

import shutil
import subprocess

__all__ = ["get_num_gpus"]


def get_num_gpus() -> int:
    """Number of NVIDIA GPUs that `nvidia-smi` lists; 0 without it, or if it fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        answer = subprocess.run(
            [program, "--list-gpus"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in answer.stdout.splitlines())
