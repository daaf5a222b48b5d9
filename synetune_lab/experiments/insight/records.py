"""A consistent picture of a run at one moment, from its files or from the tuner in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space import Domain, config_space_from_json_dict
from synetune_lab.errors import StoreError
from synetune_lab.results_callback import StoreResultsCallback, rows_of_log
from synetune_lab.store.run_files import read_run_file
from synetune_lab.util import metric_name_mode

if TYPE_CHECKING:
    import pandas as pd

    from synetune_lab.experiments.experiment_result import ExperimentResult
    from synetune_lab.tuner import Tuner

__all__ = ["RunRecords", "records_of_experiment", "records_of_tuner"]


@dataclass(frozen=True)
class RunRecords:
    """What is known of a run at one moment.

    Attributes:
        name: Name of the run.
        frame: A row for each report, in their order.
        space: Configuration space as it is now, with constants.
        metric_names: Names of the metrics, the main one first.
        metric_mode: `min` or `max`, or one for each.
        scheduler: What the scheduler tells of itself (`TrialScheduler.describe`); may be empty.
        tuner: The tuner, if there is one in this process.
    """

    name: str
    frame: pd.DataFrame
    space: dict[str, Any]
    metric_names: list[str]
    metric_mode: str | list[str]
    scheduler: Mapping[str, Any]
    tuner: Tuner | None

    def metric(self, metric: int | str | None) -> tuple[str, str]:
        """Name and mode of a metric, the first by default.

        Raises:
            ValueError: If there is no such metric.
        """
        return metric_name_mode(
            self.metric_names, self.metric_mode, 0 if metric is None else metric
        )

    @property
    def hyperparameters(self) -> dict[str, Domain]:
        """The space without constants."""
        return {name: entry for name, entry in self.space.items() if isinstance(entry, Domain)}

    @property
    def constants(self) -> dict[str, Any]:
        """Entries of the space that are no hyperparameters."""
        return {name: entry for name, entry in self.space.items() if not isinstance(entry, Domain)}


def records_of_experiment(experiment: ExperimentResult) -> RunRecords:
    """The records of an experiment that was loaded.

    Raises:
        StoreError: If there are no results, or the space is not known.
    """
    frame = experiment.results
    if frame is None or frame.empty:
        raise StoreError(f"experiment {experiment.name!r} has no results (yet)")
    header = read_run_file(experiment.path) or {}
    # `run.json` has the space after all edits, `metadata.json` the first one.
    stored = header.get("config_space") or experiment.metadata.get("config_space")
    scheduler = header.get("scheduler")
    tuner = experiment.tuner
    if tuner is not None:
        space, scheduler = dict(tuner.scheduler.config_space), tuner.scheduler.describe()
    elif stored is None:
        raise StoreError(f"the metadata of {experiment.name!r} have no config_space")
    else:
        decoded = json.loads(stored) if isinstance(stored, str) else stored
        space = config_space_from_json_dict(decoded)
    return RunRecords(
        experiment.name,
        frame,
        space,
        experiment.metric_names(),
        experiment.metric_mode(),
        scheduler if isinstance(scheduler, Mapping) else {},
        tuner,
    )


def records_of_tuner(tuner: Tuner) -> RunRecords:
    """The records of a tuner, that runs or not; all of one moment.

    They are read on the session's thread between two events; the run is not changed.

    Raises:
        StoreError: If nothing was reported yet.
    """
    keeper = next((c for c in tuner.callbacks if isinstance(c, StoreResultsCallback)), None)
    session = tuner.current_session

    def look(_: Any) -> RunRecords:
        import pandas as pd

        if keeper is not None:
            frame = keeper.dataframe()
        else:
            frame = pd.DataFrame(list(rows_of_log(tuner.tuner_path)))
        scheduler = tuner.scheduler
        return RunRecords(
            tuner.name,
            frame,
            dict(scheduler.config_space),
            list(scheduler.metric_names()),
            scheduler.metric_mode(),
            scheduler.describe(),
            tuner,
        )

    records = look(None) if session is None else session.read(look).result()
    if records.frame.empty:
        raise StoreError(f"run {tuner.name!r} has no results (yet)")
    return records
