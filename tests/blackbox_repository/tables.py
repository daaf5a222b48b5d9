"""Small tables for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synetune_lab.blackbox_repository import BlackboxTabular
from synetune_lab.config_space import choice, randint

SPACE = {"a": choice([1, 2, 3]), "b": choice(["x", "y"])}


def small_table(
    epochs: int = 9, seeds: int = 2, seconds: float = 10.0, **kwargs: Any
) -> BlackboxTabular:
    """Six configurations; the loss tells configuration, seed and epoch, the time adds up."""
    rows = [(a, b) for a in (1, 2, 3) for b in ("x", "y")]
    values = np.zeros((len(rows), seeds, epochs, 2))
    for row, (a, b) in enumerate(rows):
        for seed in range(seeds):
            steps = np.arange(1, epochs + 1)
            values[row, seed, :, 0] = a + (b == "y") * 0.5 + 0.01 * seed + 1.0 / steps
            values[row, seed, :, 1] = seconds * a * steps
    arguments = {
        "hyperparameters": pd.DataFrame(rows, columns=["a", "b"]),
        "configuration_space": SPACE,
        "fidelity_space": {"epoch": randint(1, epochs)},
        "objectives_evaluations": values,
        "objectives_names": ["metric_loss", "metric_time"],
        **kwargs,
    }
    return BlackboxTabular(**arguments)
