"""Hooks into a run, for users to override."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.trial import Trial


class TunerCallback:
    """Is told what happens in a run, on the session's thread; every hook does nothing here."""

    def on_tuning_start(self, tuner: Any) -> None:
        """The run begins, or goes on after it was resumed."""

    def on_tuning_end(self) -> None:
        """The run is over; nothing is saved or ended yet."""

    def on_loop_start(self) -> None:
        """Before new events are looked at."""

    def on_loop_end(self) -> None:
        """After new events were handled."""

    def on_fetch_status_results(
        self,
        trial_status_dict: dict[int, tuple[Trial, str]],
        new_results: list[tuple[int, dict[str, Any]]],
    ) -> None:
        """Statuses and reports have come, before the scheduler sees them."""

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """A trial came to its natural end, with this last report."""

    def on_trial_result(
        self, trial: Trial, status: str, result: dict[str, Any], decision: str
    ) -> None:
        """The scheduler has judged a report; `status` is the one before the decision."""

    def on_tuning_sleep(self, sleep_time: float) -> None:
        """No worker was free, and nothing happened for this many seconds."""

    def on_start_trial(self, trial: Trial) -> None:
        """A trial was started."""

    def on_resume_trial(self, trial: Trial) -> None:
        """A paused trial goes on."""
