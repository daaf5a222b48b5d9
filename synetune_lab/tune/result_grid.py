"""The results of `tune.Tuner.fit`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import check_mode

if TYPE_CHECKING:
    import pandas as pd

    from synetune_lab.tune.analysis import ExperimentAnalysis
    from synetune_lab.tune.checkpoint import Checkpoint
    from synetune_lab.tune.trials import Trial

__all__ = ["Result", "ResultGrid"]


@dataclass(frozen=True)
class Result:
    """What came of one trial.

    Attributes:
        metrics: Its last result, or the best one if it was asked for.
        config: Its configuration.
        error: What it failed with.
        path: Its folder.
        trial: The trial.
    """

    metrics: dict[str, Any]
    config: dict[str, Any]
    error: TuneError | None
    path: str
    trial: Trial

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Its newest checkpoint, which is fetched if it is kept elsewhere."""
        return self.trial.checkpoint

    @property
    def metrics_dataframe(self) -> pd.DataFrame:
        """All its results."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(self.trial.history)
        return frame

    @property
    def best_checkpoints(self) -> list[tuple[Checkpoint, dict[str, Any]]]:
        """All its checkpoints that were kept, each with the result at which it was saved."""
        by_iteration = {row.get("training_iteration"): row for row in self.trial.history}
        return [
            (checkpoint, dict(by_iteration.get(iteration, {})))
            for checkpoint, iteration in self.trial.checkpoints_by_iteration()
        ]

    @property
    def log_dir(self) -> Path:
        """Its folder."""
        return Path(self.path)

    def get_best_checkpoint(self, metric: str, mode: str) -> Checkpoint | None:
        """The checkpoint with the best value of a metric; None if there is none with a value.

        Raises:
            TuneError: If the mode is not possible.
        """
        check_mode(mode)
        found = [(one, row[metric]) for one, row in self.best_checkpoints if metric in row]
        if not found:
            return None
        choose = max if mode == "max" else min
        return choose(found, key=lambda pair: pair[1])[0]


class ResultGrid:
    """The results of all trials.

    Args:
        analysis: The run.

    Attributes:
        analysis: The run.
    """

    def __init__(self, analysis: ExperimentAnalysis) -> None:
        self.analysis = analysis
        self._results = [_result_of(trial) for trial in analysis.trials]

    def __len__(self) -> int:
        return len(self._results)

    def __getitem__(self, index: int) -> Result:
        return self._results[index]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)

    @property
    def experiment_path(self) -> str:
        """Folder of the run."""
        return self.analysis.experiment_path

    @property
    def errors(self) -> list[TuneError]:
        """What trials failed with."""
        return [result.error for result in self._results if result.error is not None]

    @property
    def num_errors(self) -> int:
        """Trials that failed."""
        return len(self.errors)

    @property
    def num_terminated(self) -> int:
        """Trials that ended without failing."""
        return sum(result.trial.status == "TERMINATED" for result in self._results)

    def get_best_result(
        self,
        metric: str | None = None,
        mode: str | None = None,
        scope: str = "last",
        filter_nan_and_inf: bool = True,
    ) -> Result:
        """The result of the best trial; see `ExperimentAnalysis.get_best_trial`.

        Raises:
            TuneError: If there is none.
        """
        best = self.analysis.get_best_trial(metric, mode, scope, filter_nan_and_inf)
        if best is None:
            raise TuneError("no trial has reported a value of the metric")
        return _result_of(best)

    def get_dataframe(
        self, filter_metric: str | None = None, filter_mode: str | None = None
    ) -> pd.DataFrame:
        """One result of each trial; see `ExperimentAnalysis.dataframe`."""
        return self.analysis.dataframe(filter_metric, filter_mode)


def _result_of(trial: Trial) -> Result:
    error = None if trial.status != "ERROR" else TuneError(trial.error or "the trial failed")
    return Result(trial.last_result, trial.config, error, trial.local_path, trial)
