"""Runs a program and notes its exit code, where there is no POSIX shell to do it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    end, run, *command = sys.argv[1:]
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    Path(end).write_text(f"{code} {run}\n")
    sys.exit(code)
