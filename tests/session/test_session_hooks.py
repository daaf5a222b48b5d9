"""Hooks of callbacks: which are called, what an error does, what a replay tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from synetune_lab.session.hooks import Hooks
from synetune_lab.trial import Trial
from synetune_lab.tuner_callback import TunerCallback

TRIAL = Trial(0, {"x": 1}, datetime(2026, 1, 1))


class Listening(TunerCallback):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_trial_result(self, trial: Any, status: str, result: Any, decision: str) -> None:
        self.seen.append(result)


class Forgetful(Listening):
    replay_after_crash = False


def test_only_callbacks_that_have_the_hook_are_called() -> None:
    callbacks: list[TunerCallback] = [TunerCallback(), Listening()]
    hooks = Hooks(callbacks)
    assert hooks.wants("on_trial_result")
    assert not hooks.wants("on_fetch_status_results")
    hooks.call("on_trial_result", TRIAL, "InProgress", {"a": 1}, "CONTINUE")
    assert callbacks[1].seen == [{"a": 1}]  # type: ignore[attr-defined]


def test_a_callback_that_is_added_later_is_called() -> None:
    callbacks: list[TunerCallback] = []
    hooks = Hooks(callbacks)
    hooks.call("on_loop_end")
    late = Listening()
    callbacks.append(late)
    hooks.call("on_trial_result", TRIAL, "InProgress", {"a": 1}, "CONTINUE")
    assert late.seen == [{"a": 1}]


def test_a_replay_is_told_to_those_who_want_it() -> None:
    plain, forgetful = Listening(), Forgetful()
    hooks = Hooks([plain, forgetful])
    hooks.replay("on_trial_result", TRIAL, "InProgress", {"a": 1}, "CONTINUE")
    assert (plain.seen, forgetful.seen) == ([{"a": 1}], [])


def test_each_failure_is_counted_and_the_others_are_called() -> None:
    class Broken(TunerCallback):
        def on_loop_end(self) -> None:
            raise OSError("disk")

    class Fine(TunerCallback):
        calls = 0

        def on_loop_end(self) -> None:
            self.calls += 1

    fine = Fine()
    hooks = Hooks([Broken(), fine])
    assert hooks.failure() is None
    for _ in range(5):
        hooks.call("on_loop_end")
    assert fine.calls == 5
    failure = hooks.failure()
    assert "Broken.on_loop_end raised OSError: disk (5 failures" in str(failure)
    assert isinstance(failure.__cause__, OSError)
