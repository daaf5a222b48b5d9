"""Puts the trained curves into the package.

python -m benchmarks.make_bundled.pack DIGITS.npz TUMOR.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.make_bundled import digits_mlp, tumor_boosting
from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.blackbox_repository.table_file import store_table
from synetune_lab.config_space import randint

BUNDLED = Path(__file__).parents[2] / "synetune_lab" / "blackbox_repository" / "bundled"


def _curves(path: Path, complete: int) -> np.ndarray:
    with np.load(path) as stored:
        if int(stored["done"]) != complete:
            raise SystemExit(f"{path} has {stored['done']} of {complete} configurations")
        curves: np.ndarray = stored["curves"]
        return curves


def pack_digits(path: Path) -> None:
    """The neural networks on digits."""
    curves = _curves(path, digits_mlp.N_CONFIGS)
    table = BlackboxTabular(
        pd.DataFrame(digits_mlp.draw_configs()),
        digits_mlp.CONFIG_SPACE,
        {"epoch": randint(1, curves.shape[2])},
        curves,
        objectives_names=digits_mlp.OBJECTIVES,
    )
    store_table(table, BUNDLED / "digits-mlp-digits.npz", compress=True)


def pack_tumor(path: Path) -> None:
    """The boosted trees on tumours."""
    curves = _curves(path, tumor_boosting.N_CONFIGS)
    for number, task in enumerate(tumor_boosting.TASKS):
        table = BlackboxTabular(
            pd.DataFrame(tumor_boosting.draw_configs()),
            tumor_boosting.CONFIG_SPACE,
            {"rounds": randint(1, curves.shape[3])},
            curves[number],
            objectives_names=tumor_boosting.OBJECTIVES,
        )
        store_table(table, BUNDLED / f"tumor-boosting-{task}.npz", compress=True)


if __name__ == "__main__":
    pack_digits(Path(sys.argv[1]))
    pack_tumor(Path(sys.argv[2]))
