"""Progress of `Tuner.run()`: one line of a terminal, or a text in a notebook, updated in place."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from synetune_lab.session.summary import RunSummary

PROGRESS_ENV = "SYNETUNE_LAB_PROGRESS"
"""Set to 0 to have no progress shown where the caller does not say; to 1 to have it anyway."""


class Progress(Protocol):
    """Where progress is shown."""

    def update(self, summary: RunSummary) -> None:
        """Show the present state in the place of the last."""

    def message(self, text: str) -> None:
        """Show a line that stays."""

    def close(self, summary: RunSummary) -> None:
        """Show the last state and leave it."""


class NoProgress:
    """Shows messages only."""

    def update(self, summary: RunSummary) -> None:
        """Show nothing."""

    def message(self, text: str) -> None:
        """Write the line to standard error: it answers an interrupt."""
        _write(text + "\n")

    def close(self, summary: RunSummary) -> None:
        """Show nothing."""


class TerminalProgress:
    """One line on standard error."""

    def __init__(self) -> None:
        self._shown = ""

    def update(self, summary: RunSummary) -> None:
        """Write over the line."""
        width = shutil.get_terminal_size().columns - 1
        line = (summary.bar() + summary.line())[:width]
        if line != self._shown:
            _write("\r" + line + " " * (len(self._shown) - len(line)))
            self._shown = line

    def message(self, text: str) -> None:
        """Write the line in the place of the progress, which goes on below it."""
        _write("\r" + " " * len(self._shown) + "\r" + text + "\n")
        self._shown = ""

    def close(self, summary: RunSummary) -> None:
        """Leave the last state, and why the run ended below it."""
        self.update(summary)
        _write("\n" + (f"{summary.why}\n" if summary.why else ""))
        self._shown = ""


class NotebookProgress:
    """A display of a few lines that is updated in place."""

    def __init__(self) -> None:
        from IPython import display as ipython_display

        show: Any = ipython_display.display
        self._messages: list[str] = []
        self._shown = ""
        self._handle = show({"text/plain": "starting"}, raw=True, display_id=True)

    def _show(self, text: str) -> None:
        if text != self._shown and self._handle is not None:
            self._handle.update({"text/plain": text}, raw=True)
            self._shown = text

    def update(self, summary: RunSummary) -> None:
        """Update the display."""
        self._show("\n".join([summary.bar() + summary.line(), *self._messages]))

    def message(self, text: str) -> None:
        """Add a line below the progress."""
        self._messages.append(text)
        self._show("\n".join([self._shown, text]))

    def close(self, summary: RunSummary) -> None:
        """Show the last state and why the run ended."""
        lines = [summary.bar() + summary.line(), *([summary.why] if summary.why else [])]
        self._show("\n".join([*lines, *self._messages]))


def make_progress(wanted: bool | None) -> Progress:
    """The progress that fits where we are.

    Args:
        wanted: True or False as the caller says; None decides by `SYNETUNE_LAB_PROGRESS`, else
            shows it in a notebook and on a terminal, and not in a log file.
    """
    if wanted is None:
        said = os.environ.get(PROGRESS_ENV, "")
        wanted = {"0": False, "1": True}.get(said)
    if wanted is False:
        return NoProgress()
    if in_kernel():
        with contextlib.suppress(ImportError):
            return NotebookProgress()
    if wanted or _is_terminal():
        return TerminalProgress()
    return NoProgress()


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _write(text: str) -> None:
    # Standard error may be closed or missing (a service, pythonw): no reason to end a run.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
