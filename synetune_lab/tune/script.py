"""A trainable as a training script, for backends that run scripts on other machines."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synetune_lab.backend.python_backend.stored_function import StoredFunction

__all__ = ["as_script"]

SCRIPT_FILENAME = "trial.py"
_FUNCTION_FOLDER = "function"
_SCRIPT = '''"""Runs a trial of a function that lies beside this script."""

import argparse
import sys
from pathlib import Path

from synetune_lab.backend.python_backend.running import run_stored_function

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--st_config_json_filename", type=Path, required=True)
    parser.add_argument("--st_checkpoint_dir", default="/opt/ml/checkpoints")
    args, _ = parser.parse_known_args()
    function = Path(__file__).resolve().parent / {folder!r}
    outcome = run_stored_function(
        function, {md5!r}, args.st_config_json_filename, args.st_checkpoint_dir
    )
    sys.exit(outcome)
'''


def as_script(function: Callable[..., Any], folder: str | os.PathLike[str]) -> Path:
    """Write the function of a run as a script with what it needs.

    The machine where it runs needs this package and dill, and the backend must pass configurations
    as JSON (`pass_args_as_json=True`).

    Args:
        function: What `backend` of `tune.run` is given.
        folder: A folder, which is made; the whole of it is to be sent along.

    Returns:
        The script.
    """
    stored = StoredFunction(function)
    root = Path(folder).expanduser().absolute()
    stored.write(root / _FUNCTION_FOLDER)
    script = root / SCRIPT_FILENAME
    script.write_text(_SCRIPT.format(folder=_FUNCTION_FOLDER, md5=stored.md5))
    return script
