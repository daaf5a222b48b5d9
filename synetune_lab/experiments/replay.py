"""A run as a benchmark: replay it under another scheduler, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.simulator_backend import SimulatorCallback, SimulatorConfig
from synetune_lab.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend
from synetune_lab.constants import ST_TUNER_TIME
from synetune_lab.errors import BlackboxError
from synetune_lab.experiments.experiment_blackbox import (
    ELAPSED_TIME,
    ExperimentBlackbox,
    blackbox_from_experiment,
)
from synetune_lab.experiments.experiment_result import ExperimentResult
from synetune_lab.experiments.recorded import experiment_of
from synetune_lab.stopping_criterion import StoppingCriterion
from synetune_lab.store.run_files import read_run_file
from synetune_lab.tuner import Tuner
from synetune_lab.util import metric_name_mode

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["Replay", "replay"]


@dataclass
class Replay:
    """What another scheduler would have done, beside what the real one did.

    Attributes:
        real: The experiment that was recorded.
        replayed: The simulated one.
        blackbox: What it was simulated with.
        tuner: The tuner of the simulation.
    """

    real: ExperimentResult
    replayed: ExperimentResult
    blackbox: ExperimentBlackbox
    tuner: Tuner

    def _best(self, experiment: ExperimentResult) -> pd.DataFrame:
        name, mode = metric_name_mode(self.real.metric_names(), self.real.metric_mode(), 0)
        assert experiment.results is not None
        rows = experiment.results.sort_values(ST_TUNER_TIME, kind="stable")
        values = rows[name].cummin() if mode == "min" else rows[name].cummax()
        best: pd.DataFrame = rows.assign(best=values)[[ST_TUNER_TIME, "best"]]
        return best

    def table(self) -> pd.DataFrame:
        """Best value, trials, reports and length of both runs; one row each."""
        import pandas as pd

        rows = {}
        for title, experiment in (("real", self.real), ("replayed", self.replayed)):
            assert experiment.results is not None
            best = self._best(experiment)
            rows[title] = {
                "best": float(best["best"].iloc[-1]),
                "found after (s)": float(
                    best.loc[best["best"] == best["best"].iloc[-1], ST_TUNER_TIME].iloc[0]
                ),
                "trials": int(experiment.results["trial_id"].nunique()),
                "reports": len(experiment.results),
                "length (s)": float(best[ST_TUNER_TIME].iloc[-1]),
            }
        table: pd.DataFrame = pd.DataFrame(rows).T
        return table

    def plot(self) -> go.Figure:
        """The best value so far over time, of both runs."""
        import plotly.graph_objects as go

        figure = go.Figure()
        for title, experiment in (("real", self.real), ("replayed", self.replayed)):
            best = self._best(experiment)
            figure.add_scatter(
                x=best[ST_TUNER_TIME], y=best["best"], name=title, line={"shape": "hv"}
            )
        figure.update_layout(
            title=f"{self.real.name}, replayed under {type(self.tuner.scheduler).__name__}",
            xaxis_title="wall-clock time (secs)",
            yaxis_title=self.real.metric_names()[0],
        )
        return figure

    def _ipython_display_(self) -> None:
        self.plot().show()

    def __str__(self) -> str:
        return str(self.table())


def replay(
    run: Any,
    scheduler: TrialScheduler,
    n_workers: int | None = None,
    stop_criterion: Any = None,
    blackbox: ExperimentBlackbox | None = None,
) -> Replay:
    """Simulate a run under another scheduler: what would it have found in the same time?

    Args:
        run: As for `blackbox_from_experiment`.
        scheduler: The other scheduler, with the same metric and resource.
        n_workers: Trials at a time; None for those of the run.
        stop_criterion: When it ends; None for the length of the run.
        blackbox: The blackbox of the run, if it was made already.

    Raises:
        BlackboxError: If the run can't be used, its workers are not known, or the scheduler is for
            another metric or mode.
    """
    experiment = experiment_of(run)
    _check_metric(experiment, scheduler)
    if n_workers is None:
        n_workers = _workers_of(experiment)
    if blackbox is None:
        blackbox = blackbox_from_experiment(experiment)
    if stop_criterion is None:
        assert experiment.results is not None
        length = float(experiment.results[ST_TUNER_TIME].max())
        stop_criterion = StoppingCriterion(max_wallclock_time=length)
    # Whoever reports at once is judged at once, as on this machine.
    delays = SimulatorConfig(0.001, 0.001, 0.001, 0.001, 0.001)
    callback = SimulatorCallback()
    tuner = Tuner(
        UserBlackboxBackend(
            blackbox,
            ELAPSED_TIME,
            max_resource_attr=getattr(scheduler, "max_resource_attr", None),
            simulator_config=delays,
        ),
        scheduler,
        stop_criterion,
        n_workers=n_workers,
        callbacks=[callback],
        tuner_name=f"replay-{experiment.name}"[:40].rstrip("-"),
        save_tuner=False,
    )
    tuner.run(progress=False)
    replayed = ExperimentResult(
        tuner.name, callback.dataframe(), dict(tuner.metadata), tuner, tuner.tuner_path
    )
    return Replay(experiment, replayed, blackbox, tuner)


def _workers_of(experiment: ExperimentResult) -> int:
    """How many trials the run had at a time."""
    if experiment.tuner is not None:
        return int(experiment.tuner.n_workers)
    known = (read_run_file(experiment.path) or {}).get("n_workers") or experiment.metadata.get(
        "n_workers"
    )
    if known is None:
        raise BlackboxError(
            f"nothing tells how many workers {experiment.name!r} had: pass n_workers=..."
        )
    return int(known)


def _check_metric(experiment: ExperimentResult, scheduler: TrialScheduler) -> None:
    """Refuse a scheduler that would optimise something else."""
    real = metric_name_mode(experiment.metric_names(), experiment.metric_mode(), 0)
    other = metric_name_mode(scheduler.metric_names(), scheduler.metric_mode(), 0)
    if real != other:
        raise BlackboxError(
            f"the run had metric={real[0]!r} and mode={real[1]!r}, and the scheduler has "
            f"metric={other[0]!r} and mode={other[1]!r}"
        )
