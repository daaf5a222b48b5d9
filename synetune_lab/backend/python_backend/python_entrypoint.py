"""The script of a trial of the Python backend where no worker was started beforehand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    # The folder of this script is no place to import from; that of the package is.
    sys.path[0] = str(Path(__file__).resolve().parents[3])

    from synetune_lab.backend.python_backend.running import run_stored_function

    parser = argparse.ArgumentParser()
    parser.add_argument("--tune_function_root", type=Path, required=True)
    parser.add_argument("--tune_function_hash", type=str, required=True)
    parser.add_argument("--st_config_json_filename", type=Path, required=True)
    parser.add_argument("--st_checkpoint_dir", type=str, required=True)
    args, _ = parser.parse_known_args()
    sys.exit(
        run_stored_function(
            args.tune_function_root,
            args.tune_function_hash,
            args.st_config_json_filename,
            args.st_checkpoint_dir,
        )
    )
