"""What a session must know beside the engine to go on after a stop: saved with the tuner."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import Action, RecordDecision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(slots=True)
class Delivered:
    """How far a trial's log was taken in.

    Attributes:
        run: The trial's run.
        offset: Bytes that were delivered.
        beyond: Reports that were taken in behind `offset`: the backend names an offset only
            after the last report of a batch.
    """

    run: int
    offset: int = 0
    beyond: int = 0


@dataclass(slots=True)
class Best:
    """The best value of the main metric so far."""

    trial_id: int
    value: float


@dataclass
class RunState:
    """The session's own part of a run's state.

    Attributes:
        metric: Name of the main metric.
        maximise: Whether more of it is better.
        seq: Number of the last record that the state has in it.
        log_length: Bytes of the log up to that record, 0 if unknown.
        clock: Its time, in seconds for which the run was driven, pauses included.
        started_at: Unix time of the first start.
        opened: Whether the run was ever driven.
        why: Why it is finished, None while it is not.
        n_reports: Reports that were judged.
        rules: Rules of the stopping criterion, as the run was last driven.
    """

    metric: str | None = None
    maximise: bool = False
    seq: int = 0
    log_length: int = 0
    clock: float = 0.0
    started_at: float | None = None
    opened: bool = False
    why: str | None = None
    n_reports: int = 0
    rules: dict[str, Any] | None = None
    best: Best | None = None
    delivered: dict[int, Delivered] = field(default_factory=dict)

    def note_report(self, trial_id: int, run: int, offset: int | None) -> None:
        """A report was taken in; `offset` if the backend named one."""
        seen = self.delivered.get(trial_id)
        if seen is None or seen.run != run:
            # The log of a trial goes on over its runs: what an older run reported stays delivered.
            seen = self.delivered[trial_id] = Delivered(run, seen.offset if seen else 0)
        if offset is None:
            seen.beyond += 1
        else:
            seen.offset, seen.beyond = offset, 0

    def note_actions(self, actions: Iterable[Action]) -> None:
        """Keep the best value and the number of reports up to date."""
        for action in actions:
            if isinstance(action, RecordDecision):
                self.note_value(action.trial_id, action.result)

    def note_value(self, trial_id: int, result: Mapping[str, Any]) -> None:
        """A report was judged."""
        self.n_reports += 1
        value = result.get(self.metric or "")
        best = self.best
        if type(value) is float and best is not None and not self.maximise:
            if value < best.value:
                self.best = Best(trial_id, value)
            return
        if not isinstance(value, (int, float)) or isinstance(value, bool) or math.isnan(value):
            return
        number = float(value)
        if best is None or (number > best.value if self.maximise else number < best.value):
            self.best = Best(trial_id, number)
