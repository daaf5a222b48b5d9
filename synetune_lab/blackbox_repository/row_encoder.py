"""Configurations as the rows that the regressor of a surrogate takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["FrameEncoder", "RowEncoder", "log_of"]


def log_of(values: Any) -> Any:
    """Logarithms; of what is not positive, that of a tiny number."""
    return np.log(np.maximum(np.asarray(values, dtype=np.float64), 1e-300))


class RowEncoder:
    """Does what the first step of `BlackboxSurrogate.make_model_pipeline` does, without pandas.

    For a row or a curve, most of scikit-learn's time goes into data frames and checks.

    Args:
        pipeline: The pipeline, fitted.
    """

    def __init__(self, pipeline: Any) -> None:
        parts = {title: part.steps for title, part in pipeline.steps[0][1].transformer_list}
        names = {title: list(steps[0][1].names) for title, steps in parts.items()}
        last = {title: steps[-1][1] for title, steps in parts.items()}
        self._codes: list[tuple[str, dict[Any, int]]] = []
        self._num_ones = 0
        if "categories" in parts:
            for name, known in zip(
                names["categories"], last["categories"].categories_, strict=True
            ):
                codes = {value: self._num_ones + i for i, value in enumerate(known.tolist())}
                self._codes.append((name, codes))
                self._num_ones += len(known)
        self._num_logs = len(names.get("logarithmic", ()))
        self._numbers = [*names.get("logarithmic", ()), *names.get("plain", ())]
        scalers = [last[title] for title in ("logarithmic", "plain") if title in last]
        self._mean = np.concatenate([np.zeros(0), *(scaler.mean_ for scaler in scalers)])
        self._scale = np.concatenate([np.zeros(0), *(scaler.scale_ for scaler in scalers)])

    def rows(
        self,
        configuration: Mapping[str, Any],
        fidelity_name: str | None = None,
        fidelities: Sequence[float] | None = None,
    ) -> np.ndarray:
        """One row for each fidelity, or one row without fidelity."""
        count = 1 if fidelities is None else len(fidelities)
        rows = np.zeros((count, self._num_ones + len(self._numbers)))
        for name, codes in self._codes:
            place = codes.get(configuration[name])
            if place is not None:
                rows[:, place] = 1.0
        numbers = rows[:, self._num_ones :]
        for place, name in enumerate(self._numbers):
            numbers[:, place] = fidelities if name == fidelity_name else configuration[name]
        logs = numbers[:, : self._num_logs]
        logs[:] = log_of(logs)
        numbers -= self._mean
        numbers /= self._scale
        return rows


class FrameEncoder:
    """The same by the pipeline itself, for one that is made by a subclass.

    Args:
        pipeline: The pipeline, fitted.
        names: The hyperparameters.
    """

    def __init__(self, pipeline: Any, names: Sequence[str]) -> None:
        self._encode = pipeline[:-1]
        self._names = list(names)

    def rows(
        self,
        configuration: Mapping[str, Any],
        fidelity_name: str | None = None,
        fidelities: Sequence[float] | None = None,
    ) -> np.ndarray:
        """See `RowEncoder.rows`."""
        import pandas as pd

        count = 1 if fidelities is None else len(fidelities)
        columns = {name: [configuration[name]] * count for name in self._names}
        if fidelity_name is not None and fidelities is not None:
            columns[fidelity_name] = list(fidelities)
        return np.asarray(self._encode.transform(pd.DataFrame(columns)))
