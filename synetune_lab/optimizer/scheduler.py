"""The contract of a scheduler: which configuration next, which trial goes on.

A scheduler is a state machine. It never blocks, sleeps or reads a clock of its own; the same
seed and the same calls give the same decisions. The engine calls it as in this trace::

    scheduler.suggest(trial_id=0)  # -> start_suggestion(config)
    scheduler.on_trial_add(trial0)
    scheduler.on_trial_result(trial0, {"epoch": 1, "loss": 0.4})  # -> "CONTINUE"
    scheduler.on_trial_result(trial0, {"epoch": 3, "loss": 0.3})  # -> "PAUSE"
    scheduler.on_trial_remove(trial0)  # paused (or stopped) before its end
    scheduler.suggest(trial_id=1)  # -> resume_suggestion(0, config)
    scheduler.on_trial_result(trial0, {"epoch": 9, "loss": 0.2})
    scheduler.on_trial_complete(trial0, {"epoch": 9, "loss": 0.2})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.trial import Trial

Config = dict[str, Any]


class SchedulerDecision:
    """What `TrialScheduler.on_trial_result` may return."""

    CONTINUE = "CONTINUE"
    PAUSE = "PAUSE"
    STOP = "STOP"


@dataclass
class TrialSuggestion:
    """What to do with a free worker.

    Attributes:
        spawn_new_trial_id: True to start a new trial, False to resume a paused one.
        checkpoint_trial_id: For a new trial, the trial whose checkpoint it starts from (None: from
            scratch). Else the paused trial to resume.
        config: Configuration of the new trial; for a resumed one None keeps its old configuration.
    """

    spawn_new_trial_id: bool = True
    checkpoint_trial_id: int | None = None
    config: Config | None = None

    @staticmethod
    def start_suggestion(config: Config, checkpoint_trial_id: int | None = None) -> TrialSuggestion:
        """Start a new trial, from the checkpoint of another one if given."""
        return TrialSuggestion(True, checkpoint_trial_id, config)

    @staticmethod
    def resume_suggestion(trial_id: int, config: Config | None = None) -> TrialSuggestion:
        """Resume a paused trial, with a new configuration if given."""
        return TrialSuggestion(False, trial_id, config)


class TrialScheduler:
    """Base class of all schedulers.

    Args:
        config_space: Configuration space: a dictionary from names to domains or constants.
    """

    def __init__(self, config_space: Mapping[str, Any]) -> None:
        self.config_space: dict[str, Any] = dict(config_space)

    def suggest(self, trial_id: int) -> TrialSuggestion | None:
        """What to do with a free worker.

        Args:
            trial_id: The number that a new trial would get.

        Returns:
            The suggestion; None if there is nothing to do now. It is asked again after each rung
            decision, end of a trial or command; when it has nothing and nothing runs, the run ends.
        """
        return self._suggest(trial_id)

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        """What a subclass implements (see `suggest`)."""
        raise NotImplementedError

    def on_trial_add(self, trial: Trial) -> None:
        """A new trial was started."""

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed."""

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:  # noqa: ARG002
        """A running trial reported.

        Returns:
            A decision of `SchedulerDecision`.

        Raises:
            InvalidReportError: If the report lacks what the scheduler needs. The engine then fails
                this trial, and only this one.
        """
        return SchedulerDecision.CONTINUE

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """The trial ended by itself; `result` is its last report, seen before."""

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped before its end, by whomever."""

    def metric_names(self) -> list[str]:
        """Names of the metrics that are optimised, the main one first."""
        raise NotImplementedError

    def metric_mode(self) -> str | list[str]:
        """`min` or `max`; a list if there are several metrics with several modes."""
        return "min"

    def metadata(self) -> dict[str, Any]:
        """What the run's `metadata.json` says of the scheduler."""
        return {
            "metric_names": self.metric_names(),
            "metric_mode": self.metric_mode(),
            "scheduler_name": type(self).__name__,
        }

    def is_multiobjective_scheduler(self) -> bool:
        """Whether it optimises several metrics at once."""
        return False

    def trials_checkpoints_can_be_removed(self) -> list[int]:
        """Trials whose checkpoints are not needed any more, each named once."""
        return []

    def reason(self) -> dict[str, Any] | None:
        """Why the last `suggest` or `on_trial_result` came out as it did, as JSON.

        Its `kind` says how to read it:

        - `random`, `grid`, `points_to_evaluate` (with `index`), `enqueued`, `model`, ...: where a
          configuration comes from.
        - `rung`: a trial reached a rung: `bracket`, `level`, `value`, `cutoff` (None if none yet),
          `rank` (from 1), `size` (entries in the rung, itself included), `goes_on` (bool).
        - `promoted`: a paused trial goes on: `bracket`, `level` (where it paused), `to_level`,
          `value`, `cutoff`, `rank`, `size`.
        - `max_resource`: it reached the maximum resource, `level`; its end counts as complete.
          With `ends_by_itself`, the script knows its maximum: it is not killed while it saves its
          model.

        None if there is nothing to tell (a plain "go on" between rungs).
        """
        return None

    def describe(self) -> dict[str, Any]:
        """What a view needs to know of it, as JSON.

        Keys: `name`, `metric_names`, `metric_mode` (a list, one a metric), and for schedulers with
        rungs `type`, `resource_attr`, `max_resource`, `reduction_factor`,
        `rung_levels` (a list of lists, one a bracket, without the maximum), `pauses_trials`.
        """
        mode = self.metric_mode()
        names = self.metric_names()
        return {
            "name": type(self).__name__,
            "metric_names": names,
            "metric_mode": [mode] * len(names) if isinstance(mode, str) else list(mode),
        }

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:  # noqa: ARG002
        """The user lets a paused trial go on, whoever paused it.

        Returns:
            The configuration to go on with; None for the one that it had.
        """
        return None

    def edit_space(
        self,
        config_space: Mapping[str, Any],  # noqa: ARG002
        defaults: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Draw from another configuration space from now on.

        Args:
            config_space: The whole new space, validated before.
            defaults: Values that earlier trials count as having, for new hyperparameters; without
                them, a space with new hyperparameters is refused.

        Returns:
            What became of the data seen so far, as JSON: `kept`, `outside`, `dropped` (numbers of
            observations) and `note`.

        Raises:
            SchedulerError: If this scheduler cannot; nothing is changed then.
        """
        from synetune_lab.errors import SchedulerError

        raise SchedulerError(
            f"{type(self).__name__} does not support editing the configuration space during a run"
        )
