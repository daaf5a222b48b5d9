"""The documented methods of a backend, and those that a backend which can only ask implements."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.ledger import BUSY, TrialLedger
from synetune_lab.backend.time_keeper import RealTimeKeeper, TimeKeeper
from synetune_lab.constants import ST_WORKER_TIMESTAMP, TUNER_DEFAULT_SLEEP_TIME
from synetune_lab.engine.actions import ResumeTrial, StartTrial
from synetune_lab.trial import Status, Trial, TrialResult

if TYPE_CHECKING:
    from synetune_lab.engine.events import Event

__all__ = ["DocumentedBackend", "TrialStatusDict", "time_stamp_of"]

TrialStatusDict = dict[int, tuple[Trial, str]]


class DocumentedBackend:
    """State of a backend, its documented methods, and what they need from the class below it.

    See `TrialBackend` for the arguments.
    """

    def __init__(self, delete_checkpoints: bool = False, pass_args_as_json: bool = False) -> None:
        self.delete_checkpoints = delete_checkpoints
        self.pass_args_as_json = pass_args_as_json
        self.time_keeper: TimeKeeper = RealTimeKeeper()
        self.sleep_time: float = TUNER_DEFAULT_SLEEP_TIME
        self._ledger = TrialLedger()
        self._queue: deque[Event] = deque()
        self._seen: dict[int, int] = {}
        self._woken = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_woken"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._woken = threading.Event()

    def start_trial(
        self, config: dict[str, Any], checkpoint_trial_id: int | None = None
    ) -> TrialResult:
        """Start a new trial.

        Args:
            config: Its configuration.
            checkpoint_trial_id: Start from a copy of this trial's checkpoint.

        Raises:
            BackendError: If it can't be started.
        """
        trial_id = self.new_trial_id()
        self._launch_now(StartTrial(trial_id, 0, config, checkpoint_trial_id))
        return self._ledger[trial_id].result()

    def resume_trial(self, trial_id: int, new_config: dict[str, Any] | None = None) -> TrialResult:
        """Go on with a paused trial.

        Args:
            trial_id: The trial.
            new_config: Replaces its configuration.

        Raises:
            BackendError: If the trial is not paused, or can't be started.
        """
        entry = self._ledger.require(trial_id, frozenset({Status.paused}), "resume")
        config = entry.trial.config if new_config is None else new_config
        self._launch_now(ResumeTrial(trial_id, entry.run + 1, config))
        return self._ledger[trial_id].result()

    def pause_trial(self, trial_id: int, result: dict[str, Any] | None = None) -> None:
        """Pause a running trial; it keeps its checkpoint.

        Args:
            trial_id: The trial.
            result: The report that led to it.

        Raises:
            BackendError: If the trial does not run.
        """
        self._ledger.require(trial_id, BUSY, "pause")
        self._end(trial_id, pause=True, result=result)

    def stop_trial(self, trial_id: int, result: dict[str, Any] | None = None) -> None:
        """Stop a running trial for good.

        Args:
            trial_id: The trial.
            result: The report that led to it.

        Raises:
            BackendError: If the trial does not run.
        """
        self._ledger.require(trial_id, BUSY, "stop")
        self._end(trial_id, pause=False, result=result)

    def new_trial_id(self) -> int:
        """The number of the next trial."""
        return self._ledger.next_id()

    def fetch_status_results(
        self, trial_ids: list[int]
    ) -> tuple[TrialStatusDict, list[tuple[int, dict[str, Any]]]]:
        """How the trials are, and what is new.

        Args:
            trial_ids: Which trials.

        Returns:
            Trial and status of each, and what they reported since the last call, by worker time
            stamp.
        """
        statuses: TrialStatusDict = {}
        news: list[tuple[int, dict[str, Any]]] = []
        for result in self._all_trial_results(trial_ids):
            trial = self._ledger[result.trial_id].trial
            statuses[result.trial_id] = (trial, result.status)
            seen = self._seen.get(result.trial_id, 0)
            news += [(result.trial_id, metrics) for metrics in result.metrics[seen:]]
            self._seen[result.trial_id] = len(result.metrics)
        return statuses, sorted(news, key=lambda item: time_stamp_of(item[1]))

    def busy_trial_ids(self) -> list[tuple[int, str]]:
        """Trials that hold a worker, with their status."""
        return [(trial_id, self._ledger[trial_id].status) for trial_id in self._ledger.busy()]

    def stdout(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard output."""
        raise NotImplementedError

    def stderr(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard error."""
        raise NotImplementedError

    def stop_all(self) -> None:
        """Stop all trials in progress; with `delete_checkpoints`, delete what is left of them."""
        for trial_id in self._ledger.busy():
            self.stop_trial(trial_id)
        if self.delete_checkpoints:
            for trial_id in self._ledger.ids():
                self.delete_checkpoint(trial_id)

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Where to keep files. The default does nothing.

        Args:
            results_root: Folder of the experiment.
            tuner_name: Name of the experiment.
        """

    def entrypoint_path(self) -> Path:
        """The training script."""
        raise NotImplementedError

    def set_entrypoint(self, entry_point: str) -> None:
        """Replace the training script."""
        raise NotImplementedError

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """Copy the checkpoint of a trial to another one; nothing happens if it has none."""
        raise NotImplementedError

    def delete_checkpoint(self, trial_id: int) -> None:
        """Remove the checkpoint of a trial; harmless if it has none."""
        raise NotImplementedError

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's checkpoint."""
        raise NotImplementedError

    def on_tuner_save(self) -> None:
        """Called at the end of `Tuner.save`."""

    # What a backend that is asked implements.

    def _schedule(self, trial_id: int, config: dict[str, Any]) -> None:
        """Start a process, job or task for the trial."""
        raise NotImplementedError

    def _resume_trial(self, trial_id: int) -> None:
        """Called before `_schedule` of a paused trial."""

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        """End the trial's process, keep its checkpoint; its status must be paused in the end."""
        raise NotImplementedError

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:
        """End the trial's process; its status must be stopped in the end."""
        raise NotImplementedError

    def _all_trial_results(self, trial_ids: list[int]) -> list[TrialResult]:
        """Status and all reports of trials."""
        raise NotImplementedError

    # What `TrialBackend` adds.

    def _launch_now(self, action: StartTrial | ResumeTrial) -> None:
        raise NotImplementedError

    def _end(self, trial_id: int, *, pause: bool, result: dict[str, Any] | None) -> None:
        raise NotImplementedError


def time_stamp_of(result: Mapping[str, Any]) -> float:
    """When a report was made, in seconds since the epoch; 0 if it does not tell."""
    value = result.get(ST_WORKER_TIMESTAMP)
    return float(value) if isinstance(value, (int, float)) else 0.0
