"""Single-fidelity evaluations of XGBoost and DeepAR on nine and ten data sets.

Salinas, Shen, Perrone: A Quantile-based Approach for Hyperparameter Transfer Learning,
http://proceedings.mlr.press/v119/salinas20a/salinas20a.pdf.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.blackbox_repository.blackbox_offline import BlackboxOffline, serialize
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe
from synetune_lab.config_space import uniform
from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DeepARRecipe", "XGBoostRecipe", "convert_evaluations"]

_ROOT = (
    "https://github.com/geoalgo/A-Quantile-based-Approach-for-Hyperparameter-Transfer-Learning/"
    "raw/master/src/blackbox/offline_evaluations/"
)
_CITE = (
    "Salinas, Shen, Perrone: A Quantile-based Approach for Hyperparameter Transfer Learning, "
    "ICML 2020"
)


def convert_evaluations(frame: pd.DataFrame, blackbox: str) -> dict[str, BlackboxOffline]:
    """Tasks from a table with columns `task`, `hp_*` and `metric_*`.

    Each hyperparameter gets the range of its values in the table.

    Raises:
        BlackboxError: If the table lacks such columns.
    """
    hyperparameters = [name for name in frame.columns if name.startswith("hp_")]
    metrics = [name for name in frame.columns if name.startswith("metric_")]
    if "task" not in frame.columns or not hyperparameters or not metrics:
        raise BlackboxError(
            f"{blackbox}: the table must have columns task, hp_... and metric_..., it has "
            f"{list(frame.columns)}"
        )
    space: dict[str, Any] = {}
    for name in hyperparameters:
        low, high = float(frame[name].min()), float(frame[name].max())
        space[name] = uniform(low, high if high > low else low + 1.0)
    tasks = {}
    for task, rows in frame.groupby("task"):
        own = rows[[*hyperparameters, *metrics]].drop_duplicates(hyperparameters)
        tasks[str(task)] = BlackboxOffline(own, space, objectives_names=metrics)
    return tasks


class _EvaluationsRecipe(BlackboxRecipe):
    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; `raw` is a CSV file, zipped or not."""
        import pandas as pd

        serialize(convert_evaluations(pd.read_csv(raw), self.name), target)


class XGBoostRecipe(_EvaluationsRecipe):
    """Imports the evaluations of XGBoost."""

    address = _ROOT + "XGBoost.csv.zip"
    size = "about 5 MB"

    def __init__(self) -> None:
        super().__init__("icml-xgboost", _CITE)


class DeepARRecipe(_EvaluationsRecipe):
    """Imports the evaluations of DeepAR."""

    address = _ROOT + "DeepAR.csv.zip"
    size = "about 1 MB"

    def __init__(self) -> None:
        super().__init__("icml-deepar", _CITE)
