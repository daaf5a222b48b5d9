"""The benchmarks that come with the package; `benchmarks/make_bundled` made them.

| name | model and data | tasks | configurations | fidelity | seeds |
|---|---|---|---|---|---|
| `digits-mlp` | neural network, handwritten digits | 1 | 600 | 81 epochs | 2 |
| `tumor-boosting` | boosted trees, breast cancer | 4 | 300 | 64 rounds | 2 |
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synetune_lab.blackbox_repository.table_file import load_table

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular

__all__ = ["BUNDLED", "load_bundled"]

BUNDLED: dict[str, tuple[str, ...]] = {
    "digits-mlp": ("digits",),
    "tumor-boosting": ("mean", "error", "worst", "all"),
}
"""Their names, with the names of their tasks."""


def load_bundled(name: str) -> dict[str, BlackboxTabular]:
    """The tasks of a benchmark of the package, by name."""
    folder = Path(__file__).parent
    return {task: load_table(folder / f"{name}-{task}.npz") for task in BUNDLED[name]}
