"""How a run ends from outside: an interrupt of `Tuner.run()`, the end of the interpreter."""

from __future__ import annotations

import atexit
import logging
import os
import weakref
from typing import TYPE_CHECKING

from synetune_lab.session.progress import Progress, in_kernel

if TYPE_CHECKING:
    from synetune_lab.session.session import Session

logger = logging.getLogger(__name__)

_UPDATE_INTERVAL_S = 0.25
_KERNEL_EXIT_S = 3.0
"""Jupyter kills a kernel that takes five seconds to shut down."""
_EXIT_S = 15.0

_registered = False
_live: weakref.WeakSet[Session] = weakref.WeakSet()


def wait_in_foreground(session: Session, progress: Progress) -> None:
    """Wait for the run's end, showing progress.

    The first KeyboardInterrupt asks the run to stop, with its running trials paused at their
    checkpoints; a second one ends all processes at once; a third does not wait any longer.

    Raises:
        KeyboardInterrupt: After the run was saved, if there was one.
    """
    interrupts = handled = 0
    while True:
        try:
            # Dealt with here, not where it is caught: an interrupt may come at any time.
            if handled < interrupts:
                handled += 1
                _interrupt(session, progress, handled)
            if session.wait(_UPDATE_INTERVAL_S):
                break
            progress.update(session.summary)
        except KeyboardInterrupt:
            interrupts += 1
            if interrupts > 2:
                raise
    progress.close(session.summary)
    if interrupts:
        progress.message(f"Go on with: {session.resume_code()}")
        raise KeyboardInterrupt


def _interrupt(session: Session, progress: Progress, number: int) -> None:
    if number == 1:
        session.interrupt()
        progress.message(
            "Interrupted: running trials write their checkpoints, then the run is saved. "
            "Interrupt again to end them at once."
        )
    else:
        session.abort("it was ended at once by a second interrupt")
        progress.message("Interrupted again: ending all trials at once.")


def end_with_interpreter(session: Session) -> None:
    """Have the session stopped, saved and resumable when this process exits."""
    global _registered
    if not _registered:
        atexit.register(_at_exit)
        _registered = True
    _live.add(session)


def forget(session: Session) -> None:
    """The session has ended by itself."""
    _live.discard(session)


def _at_exit() -> None:
    sessions = [s for s in list(_live) if s.process_id == os.getpid() and not s.wait(0)]
    for session in sessions:
        session.interrupt()
    for session in sessions:
        if not session.wait(_KERNEL_EXIT_S if in_kernel() else _EXIT_S):
            session.abort("the process that drove it has ended")
            session.wait(_KERNEL_EXIT_S)
        logger.warning("run %s was stopped at exit; %s", session.name, session.resume_code())
