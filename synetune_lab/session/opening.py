"""How a session opens a run, and takes back the trials of a process that is gone."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.backend.local.stragglers import kill_session
from synetune_lab.constants import ST_TUNER_START_TIMESTAMP
from synetune_lab.engine.actions import PauseTrial, StopTrial
from synetune_lab.engine.transitions import WITH_PROCESS
from synetune_lab.session.replay import replay
from synetune_lab.session.simulation import is_simulated
from synetune_lab.store.run_files import write_metadata
from synetune_lab.trial import Status

if TYPE_CHECKING:
    from synetune_lab.engine.engine import TuningEngine
    from synetune_lab.session.loop import RunLoop

logger = logging.getLogger(__name__)


def open_run(loop: RunLoop) -> None:
    """Take the run and make everything ready, up to the first event.

    Raises:
        ResumeError: If another process drives it, or its files disagree.
        StoreError: If its folder can't be written.
    """
    tuner, state = loop.tuner, loop.state
    loop.store.open()
    if loop.store.last_number > state.seq:
        if is_simulated(loop.backend):
            # What was simulated after the last save comes again, the same; it is not kept twice.
            loop.store.cut(state.seq)
        else:
            catch_up(loop)
    if state.started_at is None:
        state.started_at = time.time()
        tuner.metadata.setdefault(ST_TUNER_START_TIMESTAMP, state.started_at)
    write_metadata(loop.store.folder, tuner.metadata)
    tuner.open_backend()
    loop.start_clock()


def catch_up(loop: RunLoop) -> None:
    """Play back what the log has and the saved state has not."""
    state, report = loop.state, loop.tuner.resume_report
    count, disagreement = replay(
        loop.engine, state, loop.store.records(state.seq, state.log_length), loop.hooks
    )
    if report is not None:
        report.replayed += count
        report.disagreement = report.disagreement or disagreement
    if disagreement:
        logger.warning(
            "run %s: the log is believed where it disagrees: %s", loop.tuner.name, disagreement
        )


def adopt_trials(loop: RunLoop) -> dict[str, int]:
    """Find the trials whose processes still run, and have reports delivered that the log lacks.

    Returns:
        What `RunOpened` wants to know: the run of each trial that is alive, or whose end the
        backend is going to tell, together with what it reported before.
    """
    handles = {}
    for trial_id, record in loop.engine.trials.peek_all():
        if record.status in WITH_PROCESS:
            handles[trial_id] = (record.run, record.handle or {})
    for trial_id, seen in loop.state.delivered.items():
        loop.backend.set_delivered(trial_id, seen.run, seen.offset)
        if seen.beyond and trial_id in handles:
            loop.skip_reports(trial_id, seen.beyond)
    alive = loop.backend.adopt(handles)
    report = loop.tuner.resume_report
    if report is not None:
        report.adopted = sorted(alive)
        report.ended = sorted(set(handles) - set(alive))
    return {str(trial_id): run for trial_id, (run, _) in handles.items()}


def end_at_once(engine: TuningEngine) -> None:
    """Kill the processes of all trials, without the grace that a backend gives them.

    Trials elsewhere (jobs of a cloud) are left to the backend.
    """
    for _, record in engine.trials.peek_all():
        if record.status in WITH_PROCESS:
            leader = ProcessHandle.from_json(record.handle)
            if leader is not None:
                kill_session(leader)


def end_again(loop: RunLoop) -> None:
    """Have trials paused and stopped that were about to be when the last session was killed.

    What is to be done is in the log before it is done: it may have come no further.
    """
    for trial_id, record in loop.engine.trials.peek_all():
        if record.status == Status.pausing:
            loop.backend.execute(PauseTrial(trial_id, record.run))
        elif record.status == Status.stopping:
            loop.backend.execute(StopTrial(trial_id, record.run))
