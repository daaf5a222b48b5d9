"""The script of the process that splits off trials (see `zygote`)."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

    from synetune_lab.backend.python_backend.zygote import main

    main()
