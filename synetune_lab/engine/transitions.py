"""Which status of a trial may follow which: the one table of it."""

from __future__ import annotations

from synetune_lab.trial import Status

ENDED = frozenset({Status.stopped, Status.completed, Status.failed})
WITH_PROCESS = frozenset({Status.in_progress, Status.pausing, Status.stopping})
LAWFUL: dict[str, frozenset[str]] = {
    Status.pending: frozenset({Status.in_progress}),
    Status.in_progress: frozenset(
        {Status.pausing, Status.stopping, Status.completed, Status.failed}
    ),
    Status.pausing: frozenset({Status.paused, Status.stopping, Status.completed, Status.failed}),
    Status.paused: frozenset({Status.in_progress, Status.stopped}),
    Status.stopping: frozenset({Status.stopped, Status.completed}),
    Status.stopped: frozenset(),
    Status.completed: frozenset(),
    Status.failed: frozenset(),
}


def is_lawful(old: str, new: str) -> bool:
    """Whether a trial may go from one status to the other."""
    return new in LAWFUL[old]
