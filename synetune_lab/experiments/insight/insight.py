"""The public face: what a run has learnt, as data frames and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import ConfigSpaceError, SynetuneLabError
from synetune_lab.experiments.insight.base import InsightBase
from synetune_lab.experiments.insight.records import records_of_experiment, records_of_tuner

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import plotly.graph_objects as go

    from synetune_lab.experiments.experiment_result import ExperimentResult
    from synetune_lab.experiments.insight.quality import Quality
    from synetune_lab.experiments.insight.space import Grid
    from synetune_lab.experiments.insight.suggestion import Suggestion
    from synetune_lab.tuner import Tuner

__all__ = ["Insight"]

_LINE_POINTS = 101
_PLANE_POINTS = 41
_PLANE_POINTS_OF_AVERAGE = 21


class Insight(InsightBase):
    """What the results of a run tell of its hyperparameters.

    A Gaussian process is fitted to what was reported up to now, whatever scheduler ran the trials;
    all answers come from it. The picture is of one moment: ask the run for another one to see
    what came later. Nothing in the run is changed.

    Of trials that failed, what they reported before counts. Values that are not finite count as
    the worst ones; outliers on the bad side are moved to a fence (see `tamed` in
    `searchers/bayesopt/targets.py`), so that they do not drown the rest.

    Args:
        records: The run; made by `of_experiment` and `of_tuner`.
        metric: Name or number of the metric, the first by default.
        level: The resource, as an epoch, that all answers are of. None takes the highest that
            enough trials reached; trials that ended before inform the model through what they
            reported. `last` or `best` take the last or best value of each trial, whatever its
            resource.
        random_seed: Of all that is drawn. The same results and seed give the same answers.
        max_observations: With more, the model gets a part: the best ones, and a random part of the
            others.

    Attributes:
        name: Name of the run.
        metric: Name of the metric.
        mode: `min` or `max`.
        level: The resource that answers are of; None if each trial's own end counts.
        notes: What a reader should know, as what was left out.

    Raises:
        StoreError: If there is too little to learn from.
        ValueError: If an argument is not possible.
    """

    @classmethod
    def of_experiment(
        cls, experiment: ExperimentResult, metric: int | str | None = None, **arguments: Any
    ) -> Insight:
        """The insight of an experiment that was loaded; arguments as of the class."""
        return cls(records_of_experiment(experiment), metric, **arguments)

    @classmethod
    def of_tuner(cls, tuner: Tuner, metric: int | str | None = None, **arguments: Any) -> Insight:
        """The insight of a tuner, that runs or not; arguments as of the class."""
        return cls(records_of_tuner(tuner), metric, **arguments)

    # Predictions

    def predict(self, configs: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """What the model expects of configurations.

        Args:
            configs: One configuration or several, with or without `config_` before the names. What
                they lack is as in the best configuration.

        Returns:
            A row a configuration: `mean`, `std`, `lower`, `upper` (95 %), in the metric's units and
            without the noise of a report.
        """
        from synetune_lab.experiments.insight.slices import prediction_frame

        several = [configs] if isinstance(configs, Mapping) else list(configs)
        space = self.observed.space
        points = space.encode([space.complete(c, self.best_config) for c in several])
        return prediction_frame({}, self.surrogate.predict(points))

    def slice(
        self,
        *names: str,
        at: Mapping[str, Any] | None = None,
        average: bool = False,
        num_points: int | None = None,
    ) -> pd.DataFrame:
        """Prediction along one hyperparameter, or over the plane of two.

        Args:
            names: One or two hyperparameters.
            at: Values of the others; those not given are as in the best configuration.
            average: Average over the others instead, each configuration as likely as it is drawn
                (partial dependence).
            num_points: Points along each that is no choice.

        Returns:
            For one hyperparameter `value`, for two their names; then `mean`, `std`, `lower`,
            `upper` (95 %, without the noise of a report), in the metric's units.

        Raises:
            ConfigSpaceError: If a name is no hyperparameter.
            InvalidConfigError: If a value of `at` is none.
        """
        from synetune_lab.experiments.insight.slices import predict_grid, slice_frame

        grids, through = self._grids(names, at, average, num_points)
        found = predict_grid(self.surrogate, grids, through, average, self.random_seed)
        return slice_frame(grids, found)

    def _grids(
        self,
        names: Sequence[str],
        at: Mapping[str, Any] | None,
        average: bool,
        num_points: int | None,
    ) -> tuple[list[Grid], dict[str, Any]]:
        space = self.observed.space
        if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
            raise ConfigSpaceError(f"names={list(names)} must be one hyperparameter, or two")
        space.check(names)
        through = space.complete(at or {}, self.best_config)
        unknown = [
            name
            for name in at or {}
            if name.removeprefix("config_") not in {*self.records.space, "trial_id"}
        ]
        if unknown:
            raise ConfigSpaceError(f"at: {unknown[0]!r} is no hyperparameter of the run")
        if num_points is None:
            plane = _PLANE_POINTS_OF_AVERAGE if average else _PLANE_POINTS
            num_points = _LINE_POINTS if len(names) == 1 else plane
        if num_points < 2:
            raise ValueError(f"num_points={num_points!r} must be at least 2")
        return [space.grid(name, num_points) for name in names], through

    def importance(self, model: str = "gp") -> pd.DataFrame:
        """How much each hyperparameter matters, over the whole space as it is now.

        It is the share of the variance of the predicted mean over configurations that are drawn
        from the space: Sobol indices, as of a functional analysis of variance (fANOVA). The share
        of a hyperparameter alone is its `importance`; with all its interactions, its `total`. What
        is missing to 1 in the sum of the former is interaction.

        It tells what moves the metric over the space at large, bad regions included, not what is
        worth tuning near the best configuration; a narrower space gives other shares. It can't be
        trusted where the model can't: look at `quality`. `low` and `high` tell how far data leave
        it open; with few observations that is far.

        Args:
            model: `gp`, the model of all else, or `forest`, a random forest that is fitted to the
                same observations: coarser, but a check that does not share its assumptions.

        Returns:
            A row a hyperparameter, the most important first: `hyperparameter`, `importance`,
            `total`, `std` (of the importance, over functions that are possible given the data, or
            over the trees), `low` and `high` (where 90 % of them are, and the importance).

        Raises:
            SynetuneLabError: With fewer than 2 d + 2 different configurations of d hyperparameters.
            ValueError: If the model is unknown.
        """
        from synetune_lab.experiments.insight import importance

        kinds = {
            "gp": importance.importance_by_process,
            "forest": importance.importance_by_forest,
        }
        if model not in kinds:
            raise ValueError(f"model={model!r} must be 'gp' or 'forest'")
        fewest = 2 * len(self.hyperparameters) + 2
        if self.num_configurations < fewest:
            raise SynetuneLabError(
                f"run {self.name!r} has values of {self.metric!r} for {self.num_configurations} "
                f"different configurations; the importance of {len(self.hyperparameters)} "
                f"hyperparameters needs {fewest} at least"
            )
        known = self._importances
        if model not in known:
            known[model] = kinds[model](self.surrogate, self.random_seed)
        found: pd.DataFrame = known[model].copy()
        return found

    @cached_property
    def _importances(self) -> dict[str, pd.DataFrame]:
        return {}

    def quality(self) -> Quality:
        """Whether the model can be trusted: its predictions of trials that it was not told.

        What each trial reported is predicted from all those of other configurations. Up to 300
        observations, by parameters that have not seen it either.
        """
        return self._quality

    @cached_property
    def _quality(self) -> Quality:
        from synetune_lab.experiments.insight.quality import quality_of

        return quality_of(self.surrogate)

    def next_suggestion(self, by: str | None = None) -> Suggestion:
        """What would be tried next, and why.

        Args:
            by: `scheduler` asks a copy of the run's scheduler, as of now; the run does not notice.
                `model` asks Bayesian optimisation, whatever the scheduler, with the results of this
                insight. None asks the scheduler while the run goes on, else the model.

        Raises:
            SynetuneLabError: If `scheduler` is asked for where there is no tuner, or it can't be
                copied.
            ValueError: If `by` is something else.
        """
        from synetune_lab.experiments.insight import ask

        tuner = self.records.tuner
        if by is None:
            by = "scheduler" if tuner is not None and tuner.is_running else "model"
        if by == "scheduler":
            if tuner is None:
                raise SynetuneLabError(
                    f"run {self.name!r} has no scheduler here; load it with load_tuner=True, or "
                    "ask with by='model'"
                )
            answer = ask.ask_scheduler(tuner)
        elif by == "model":
            space = self.records.space
            seed = self.random_seed
            answer = ask.ask_model(self.surrogate, space, self.metric, self.mode, seed)
        else:
            raise ValueError(f"by={by!r} must be 'scheduler', 'model' or None")
        best = self.best_trial_id, self.best_value
        return ask.expected(self.surrogate, answer, self.metric, self.mode, best)

    # Figures

    def plot_slice(
        self,
        *names: str,
        at: Mapping[str, Any] | None = None,
        average: bool = False,
        num_points: int | None = None,
        figure_path: str | Path | None = None,
        **layout: Any,
    ) -> go.Figure:
        """`slice` as a figure, with the trials.

        Along one hyperparameter: mean, band of 95 % and trials, the fainter the less they have to
        do with this slice. Over two: the mean beside its uncertainty.

        Args:
            names: See `slice`.
            at: See `slice`.
            average: See `slice`.
            num_points: See `slice`.
            figure_path: As for `ExperimentResult.plot`.
            **layout: As for `ExperimentResult.plot`.
        """
        from synetune_lab.experiments.figures import save_figure
        from synetune_lab.experiments.insight.plane_figure import plane_figure
        from synetune_lab.experiments.insight.slice_figure import line_figure

        grids, through = self._grids(names, at, average, num_points)
        make = line_figure if len(names) == 1 else plane_figure
        return save_figure(make(self, grids, through, average), figure_path, layout)

    def plot_slices(
        self,
        at: Mapping[str, Any] | None = None,
        average: bool = False,
        figure_path: str | Path | None = None,
        **layout: Any,
    ) -> go.Figure:
        """The slices of all hyperparameters side by side, on one scale of the metric.

        Args:
            at: See `slice`.
            average: See `slice`.
            figure_path: As for `ExperimentResult.plot`.
            **layout: As for `ExperimentResult.plot`.
        """
        from synetune_lab.experiments.figures import save_figure
        from synetune_lab.experiments.insight.slice_figure import lines_figure

        pairs = [self._grids([name], at, average, None) for name in self.hyperparameters]
        grids = [grid for (grid,), _ in pairs]
        return save_figure(lines_figure(self, grids, pairs[0][1], average), figure_path, layout)

    def plot_importance(
        self, model: str = "gp", figure_path: str | Path | None = None, **layout: Any
    ) -> go.Figure:
        """`importance` as bars, with what data leave open.

        Args:
            model: See `importance`.
            figure_path: As for `ExperimentResult.plot`.
            **layout: As for `ExperimentResult.plot`.
        """
        from synetune_lab.experiments.figures import save_figure
        from synetune_lab.experiments.insight.importance_figure import importance_figure

        return save_figure(importance_figure(self, model), figure_path, layout)

    def plot_quality(self, figure_path: str | Path | None = None, **layout: Any) -> go.Figure:
        """`quality` as a figure: predicted against reported, and how honest the intervals are.

        Args:
            figure_path: As for `ExperimentResult.plot`.
            **layout: As for `ExperimentResult.plot`.
        """
        from synetune_lab.experiments.figures import save_figure
        from synetune_lab.experiments.insight.quality_figure import quality_figure

        return save_figure(quality_figure(self), figure_path, layout)
