"""What the log says of trials that fail: one line each, and not of all of them.

A warning is printed below the cell that started the run. The whole story is in the panel and in
the trial's `std.err`.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("synetune_lab.session")

MOST_TOLD = 5
_MOST_CHARACTERS = 300


def tell_failure(trial_id: int, error: str | None, n_failed: int) -> None:
    """Warn of a failed trial.

    Args:
        trial_id: The trial.
        error: Why it failed: perhaps many lines, of which the last says most.
        n_failed: How many have failed so far.
    """
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason known"
    if len(last) > _MOST_CHARACTERS:
        last = last[:_MOST_CHARACTERS] + " ..."
    level = logging.WARNING if n_failed <= MOST_TOLD else logging.INFO
    logger.log(level, "trial %d failed: %s", trial_id, last)
    if n_failed == MOST_TOLD:
        logger.warning("Further failures are logged at level INFO; the panel shows all of them.")
