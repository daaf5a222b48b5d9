"""Calls the documented hooks of callbacks, at the documented moments.

A hook that raises does not end the run: the error is logged and kept, and `raise_failure`
surfaces the first one when the run is over and saved.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synetune_lab.constants import ST_TUNER_TIME
from synetune_lab.engine.actions import (
    Action,
    ChangeStatus,
    RecordDecision,
    ResumeTrial,
    StartTrial,
)
from synetune_lab.errors import SynetuneLabError
from synetune_lab.results_callback import StoreResultsCallback
from synetune_lab.trial import Status, Trial
from synetune_lab.tuner_callback import TunerCallback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

_LOGGED_FAILURES = 3


@dataclass
class HookFailure:
    """The first error of a callback's hook, and how often it has failed."""

    callback: TunerCallback
    hook: str
    error: Exception
    count: int = 1


class Hooks:
    """The callbacks of a run.

    Args:
        callbacks: The tuner's own list; what is added to it later is called, too.
    """

    def __init__(self, callbacks: list[TunerCallback]) -> None:
        self._callbacks = callbacks
        self._known: list[TunerCallback] = []
        self._methods: dict[str, list[tuple[TunerCallback, Any]]] = {}
        self.failures: dict[tuple[int, str], HookFailure] = {}

    def wants(self, hook: str) -> bool:
        """Whether any callback implements the hook."""
        return bool(self._of(hook))

    def _of(self, hook: str) -> Sequence[tuple[TunerCallback, Any]]:
        if self._known != self._callbacks:
            self._known = list(self._callbacks)
            self._methods = {}
        methods = self._methods.get(hook)
        if methods is None:
            base = getattr(TunerCallback, hook)
            methods = self._methods[hook] = [
                (callback, getattr(callback, hook))
                for callback in self._known
                if getattr(type(callback), hook, base) is not base or hook in vars(callback)
            ]
        return methods

    def call(self, hook: str, *arguments: Any) -> None:
        """Call the hook of every callback that has it."""
        for callback, method in self._of(hook):
            try:
                method(*arguments)
            except Exception as error:
                self._note(callback, hook, error)

    def report(self, trial: Trial, status: str, result: dict[str, Any], decision: str) -> None:
        """`on_trial_result`; each callback gets a report of its own, unless it keeps its own."""
        for callback, method in self._of("on_trial_result"):
            own = result if isinstance(callback, StoreResultsCallback) else dict(result)
            try:
                method(trial, status, own, decision)
            except Exception as error:
                self._note(callback, "on_trial_result", error)

    def start(self, tuner: Tuner) -> None:
        """`on_tuning_start`. Its errors are not kept but raised: nothing has begun yet."""
        for _, method in list(self._of("on_tuning_start")):
            method(tuner)

    def replay(self, hook: str, trial: Trial, *arguments: Any) -> None:
        """A hook for what happened after the callbacks were saved, before a crash.

        A callback with the attribute `replay_after_crash = False` is left out: one that has told
        somebody else already.
        """
        for callback, method in self._of(hook):
            if getattr(callback, "replay_after_crash", True):
                try:
                    method(trial, *arguments)
                except Exception as error:
                    self._note(callback, hook, error)

    def replay_actions(self, engine: TuningEngine, actions: Sequence[Action]) -> None:
        """The hooks that go with the actions of a record that is played back."""
        for action in actions:
            if isinstance(action, RecordDecision):
                trial = engine.trials[action.trial_id].trial
                result = {ST_TUNER_TIME: action.tuner_time, **action.result}
                self.replay("on_trial_result", trial, action.status, result, action.decision)
            elif isinstance(action, (StartTrial, ResumeTrial)):
                hook = "on_start_trial" if isinstance(action, StartTrial) else "on_resume_trial"
                self.replay(hook, engine.trials[action.trial_id].trial)
            elif isinstance(action, ChangeStatus) and action.status == Status.completed:
                record = engine.trials[action.trial_id]
                last = engine.status.last_metrics(action.trial_id)
                self.replay("on_trial_complete", record.trial, last)

    def _note(self, callback: TunerCallback, hook: str, error: Exception) -> None:
        key = (id(callback), hook)
        failure = self.failures.get(key)
        if failure is None:
            failure = self.failures[key] = HookFailure(callback, hook, error)
        else:
            failure.count += 1
        if failure.count <= _LOGGED_FAILURES:
            logger.error(
                "%s.%s failed; the run goes on",
                type(callback).__name__,
                hook,
                exc_info=error,
            )

    def failure(self) -> SynetuneLabError | None:
        """The error to raise at the end of a run whose callbacks failed, None if none did."""
        if not self.failures:
            return None
        first = next(iter(self.failures.values()))
        times = sum(f.count for f in self.failures.values())
        error = SynetuneLabError(
            f"the run is over and saved, but a callback failed: {type(first.callback).__name__}."
            f"{first.hook} raised {type(first.error).__name__}: {first.error}"
            + (f" ({times} failures of hooks in all)" if times > 1 else "")
        )
        error.__cause__ = first.error
        return error
