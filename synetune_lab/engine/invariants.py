"""What always holds between two events, whatever happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.engine.transitions import ENDED
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.state import EngineState

_PAUSED = (Status.paused, Status.pausing)


def check(state: EngineState) -> None:
    """Check every invariant.

    Raises:
        AssertionError: If one is broken.
    """
    assert state.run_state in ("running", "paused", "stopping", "finished")
    assert state.run_state != "finished" or not state.alive
    assert not state.out
    assert state.too_many_failures is None
    assert 0 <= state.space_version == len(state.spaces) - 1
    _check_trials(state)
    _check_queue(state)


def _check_trials(state: EngineState) -> None:
    counts: dict[str, int] = {}
    for trial_id, record in state.trials.items():
        status = record.status
        counts[status] = counts.get(status, 0) + 1
        told = (trial_id, status, record.paused_by)
        assert record.trial_id == trial_id, told
        assert status != Status.pending, told
        assert (record.paused_by is not None) == (status in _PAUSED), told
        if status in (Status.in_progress, Status.pausing, Status.stopping):
            assert trial_id in state.alive, told
        if status == Status.in_progress:
            assert trial_id in state.occupied, told
        if status == Status.paused:
            assert trial_id not in state.alive, told
        assert (status in ENDED) == (record.ended is not None), told
        assert (status == Status.failed) == (record.error is not None), told
    assert counts == {s: n for s, n in state.status.counts.items() if n}, counts


def _check_queue(state: EngineState) -> None:
    for trial_id in state.awaiting_end:
        assert state.trials[trial_id].status == Status.pausing, trial_id
        assert trial_id in state.occupied, trial_id
    for trial_id in state.occupied:
        assert trial_id in state.alive, trial_id
    for trial_id in (*state.queue.resumes, *state.queue.wishes):
        assert state.trials[trial_id].status in _PAUSED, trial_id
    assert len(set(state.queue.resumes)) == len(state.queue.resumes)
    running = state.run_state == "running" and state.asynchronous_scheduling
    if running and len(state.occupied) < state.n_workers:
        assert state.queue.exhausted, "a worker is free, and there is something to do"
        assert not state.queue.resumes
        assert not state.queue.enqueued
