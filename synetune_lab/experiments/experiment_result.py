"""The results of one experiment, and its plots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import (
    CONFIG_COLUMN_PREFIX,
    ST_TUNER_CREATION_TIMESTAMP,
    TRIAL_ID,
)
from synetune_lab.errors import StoreError
from synetune_lab.experiments.figures import best_figure, save_figure, trials_figure
from synetune_lab.util import metric_name_mode

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import plotly.graph_objects as go

    from synetune_lab.experiments.insight import Insight
    from synetune_lab.tuner import Tuner


@dataclass
class ExperimentResult:
    """One experiment, finished or running.

    Attributes:
        name: Name of the tuner.
        results: A row for each report; None if nothing was stored.
        metadata: What `metadata.json` says.
        tuner: The tuner, if it was asked for.
        path: Folder of the experiment.
    """

    name: str
    results: pd.DataFrame | None
    metadata: dict[str, Any]
    tuner: Tuner | None
    path: Path

    def __str__(self) -> str:
        rows = 0 if self.results is None else len(self.results)
        trials = 0 if self.results is None or not rows else self.results[TRIAL_ID].nunique()
        return f"Experiment {self.name}: {rows} reports of {trials} trials in {self.path}"

    def creation_date(self) -> datetime:
        """When the tuner was created, local time."""
        return datetime.fromtimestamp(float(self.metadata[ST_TUNER_CREATION_TIMESTAMP]))

    def metric_names(self) -> list[str]:
        """Names of the metrics, the main one first."""
        names = self.metadata["metric_names"]
        return [names] if isinstance(names, str) else list(names)

    def metric_mode(self) -> str | list[str]:
        """`min` or `max`, or one of them for each metric."""
        mode: str | list[str] = self.metadata.get("metric_mode", "min")
        return mode

    def entrypoint_name(self) -> str:
        """Name of the script or function that was tuned."""
        return str(self.metadata["entrypoint"])

    def _metric(self, metric: int | str) -> tuple[str, str]:
        return metric_name_mode(self.metric_names(), self.metric_mode(), metric)

    def _rows(self) -> pd.DataFrame:
        if self.results is None or self.results.empty:
            raise StoreError(f"experiment {self.name!r} has no results (yet) in {self.path}")
        return self.results

    def best_config(self, metric: int | str = 0) -> dict[str, Any]:
        """The configuration of the best report.

        Args:
            metric: Name or number of the metric.

        Returns:
            The configuration with `config_` before each name, and `trial_id`, as they are called
            in the results.

        Raises:
            StoreError: If there are no results.
        """
        name, mode = self._metric(metric)
        rows = self._rows()
        values = rows[name].dropna()
        if values.empty:
            raise StoreError(f"experiment {self.name!r} has no report with a value of {name!r}")
        position = int(values.to_numpy().argmax() if mode == "max" else values.to_numpy().argmin())
        row = rows.loc[values.index[position]]
        entries = {
            column: value.item() if hasattr(value, "item") else value
            for column, value in row.items()
            if column == TRIAL_ID or str(column).startswith(CONFIG_COLUMN_PREFIX)
        }
        return {str(column): value for column, value in entries.items()}

    def plot(
        self, metric_to_plot: int | str = 0, figure_path: str | Path | None = None, **layout: Any
    ) -> go.Figure:
        """The best value so far over time.

        Args:
            metric_to_plot: Name or number of the metric.
            figure_path: Also write the figure there; `.html`, or an image if kaleido is installed.
            **layout: Entries for the figure's layout, as of `plotly.graph_objects.Figure`.

        Returns:
            The figure; a notebook shows it.
        """
        name, mode = self._metric(metric_to_plot)
        return save_figure(best_figure(self._rows(), name, mode, self.name), figure_path, layout)

    def plot_trials_over_time(
        self,
        metric_to_plot: int | str = 0,
        figure_path: str | Path | None = None,
        figsize: tuple[float, float] | None = None,
        **layout: Any,
    ) -> go.Figure:
        """All values of all trials over time, with the best so far.

        Args:
            metric_to_plot: Name or number of the metric.
            figure_path: As for `plot`.
            figsize: Width and height in inches.
            **layout: As for `plot`.
        """
        name, mode = self._metric(metric_to_plot)
        figure = trials_figure(self._rows(), name, mode, self.name)
        if figsize is not None:
            layout = {"width": figsize[0] * 96, "height": figsize[1] * 96, **layout}
        return save_figure(figure, figure_path, layout)

    def plot_hypervolume(
        self,
        metrics_to_plot: list[int | str] | None = None,
        reference_point: list[float] | None = None,
        figure_path: str | Path | None = None,
        **layout: Any,
    ) -> go.Figure:
        """The dominated hypervolume over time, for several metrics.

        Args:
            metrics_to_plot: Names or numbers of two or more metrics; all by default.
            reference_point: One value a metric (for a metric to be maximised, of its negative);
                the worst that was seen by default.
            figure_path: As for `plot`.
            **layout: As for `plot`.
        """
        from synetune_lab.experiments.hypervolume import hypervolume_figure

        chosen = metrics_to_plot or list(self.metric_names())
        metrics = [self._metric(metric) for metric in chosen]
        figure = hypervolume_figure(self._rows(), metrics, reference_point, self.name)
        return save_figure(figure, figure_path, layout)

    def insight(self, metric: int | str | None = None, **arguments: Any) -> Insight:
        """What the results tell of the hyperparameters: slices, importance, what to try next.

        Args:
            metric: Name or number of the metric; the first by default.
            **arguments: `level`, `random_seed` and `max_observations`, see `Insight`.

        Raises:
            StoreError: If there is too little to learn from.
        """
        from synetune_lab.experiments.insight import Insight

        return Insight.of_experiment(self, metric, **arguments)
