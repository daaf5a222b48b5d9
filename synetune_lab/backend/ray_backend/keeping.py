"""Sees to it that what a trial wrote is kept: what fails is tried again, and the trial goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import TrialFolder
    from synetune_lab.backend.ray_backend.storage import TrialStorage

__all__ = ["Keeper"]

logger = logging.getLogger(__name__)

WAITS_S = (0.2, 1.0, 3.0)
"""Before further attempts at what can't be left for later."""


class Keeper:
    """Brings and keeps the files of a host's trials, one trial after the other.

    Args:
        storage: Where they are kept.
    """

    def __init__(self, storage: TrialStorage) -> None:
        self._storage = storage
        self._has_warned = False

    def begin(self, folder: TrialFolder, trial_id: int) -> None:
        """Bring what a trial left to this machine.

        Raises:
            Exception: If that can't be done, for the trial would begin without its checkpoint.
        """
        self._has_warned = False
        self._insist(lambda: self._storage.fetch(folder, trial_id))

    def keep(self, folder: TrialFolder, trial_id: int, run: int) -> str | None:
        """Keep what is new; what fails is left for the next report.

        Returns:
            What the user should know; None if there is nothing new to be known.
        """
        try:
            self._storage.keep(folder, trial_id, run)
        except Exception as error:
            logger.warning("files of trial %d could not be kept", trial_id, exc_info=True)
            if self._has_warned:
                return None
            self._has_warned = True
            return (
                f"checkpoint and logs could not be kept after a report ({_text(error)}); this is "
                "tried again with the next one, and at the end"
            )
        return None

    def finish(self, folder: TrialFolder, trial_id: int, run: int) -> str | None:
        """Keep what a trial left at its end.

        Returns:
            What the user should know, which its error log holds as well; None if all is well.
        """
        try:
            self._insist(lambda: self._storage.keep(folder, trial_id, run))
        except Exception as error:
            logger.exception("files of trial %d could not be kept", trial_id)
            text = (
                f"checkpoint and logs of its end could not be kept: {_text(error)}. Its reports "
                "are there; who goes on with it begins with the checkpoint before"
            )
            with suppress(OSError), folder.stderr.open("a") as log:
                log.write(f"synetune_lab: {text}\n")
            with suppress(Exception):  # the log alone, perhaps
                self._storage.keep(folder, trial_id, run)
            return text
        return None

    def _insist(self, action: Callable[[], None]) -> None:
        for wait_s in WAITS_S:
            try:
                action()
            except (ImportError, ValueError):
                raise  # fsspec does not know such an address: no time changes that
            except Exception:
                logger.warning("tried again in %g s", wait_s, exc_info=True)
                time.sleep(wait_s)
            else:
                return
        action()


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
