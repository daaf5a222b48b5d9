"""One table in one file of numpy's, without any pickle in it."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import numpy as np

from synetune_lab.blackbox_repository.blackbox_tabular import BlackboxTabular
from synetune_lab.config_space import config_space_from_json_dict, config_space_to_json_dict
from synetune_lab.util import experiment_path

__all__ = ["keep_table", "load_table", "store_table"]

_FOLDER = "blackbox-tables"


def keep_table(blackbox: BlackboxTabular) -> Path:
    """Where the table is kept for runs that may be resumed; all runs share one file."""
    path = experiment_path() / _FOLDER / f"{blackbox.fingerprint}.npz"
    if not path.exists():
        store_table(blackbox, path)
    return path


def store_table(blackbox: BlackboxTabular, path: Path, *, compress: bool = False) -> None:
    """Write a table; a file that is there is replaced at once.

    Args:
        blackbox: The table.
        path: Where to, with the suffix `.npz`.
        compress: Whether it is to be small rather than quickly written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    spaces = {
        "configuration_space": config_space_to_json_dict(blackbox.configuration_space),
        "fidelity_space": config_space_to_json_dict(blackbox.fidelity_space or {}),
        "objectives_names": blackbox.objectives_names,
    }
    columns = {
        f"column {name}": json.dumps(blackbox.hyperparameters[name].tolist())
        for name in blackbox.hyperparameters
    }
    arrays = {name: np.frombuffer(text.encode(), np.uint8) for name, text in columns.items()}
    values = blackbox.fidelity_values
    draft = path.with_name(f".{uuid4().hex[:8]}.tmp.npz")
    save = np.savez_compressed if compress else np.savez
    save(
        draft,
        allow_pickle=False,
        objectives_evaluations=blackbox.objectives_evaluations,
        fidelity_values=np.array([]) if values is None else values,
        spaces=np.frombuffer(json.dumps(spaces).encode(), np.uint8),
        **arrays,
    )
    draft.replace(path)


def load_table(path: Path) -> BlackboxTabular:
    """The table that `store_table` wrote."""
    import pandas as pd

    with np.load(path, allow_pickle=False) as stored:
        spaces = json.loads(stored["spaces"].tobytes())
        space = config_space_from_json_dict(spaces["configuration_space"])
        columns = {name: json.loads(stored[f"column {name}"].tobytes()) for name in space}
        values = stored["fidelity_values"]
        return BlackboxTabular(
            hyperparameters=pd.DataFrame(columns),
            configuration_space=space,
            fidelity_space=config_space_from_json_dict(spaces["fidelity_space"]) or None,
            objectives_evaluations=stored["objectives_evaluations"],
            fidelity_values=values if values.size else None,
            objectives_names=spaces["objectives_names"],
        )
