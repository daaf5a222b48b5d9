"""The panel's side in the kernel: a view model of each run, and messages to whoever looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.dashboard.display import Dashboard
    from synetune_lab.tuner import Tuner

__all__ = ["mimebundle", "open_saved", "show"]


def show(tuner: Tuner) -> Dashboard:
    """The live panel of a tuner, to be the last line of a cell."""
    from synetune_lab.dashboard.display import Dashboard, connect

    panels = connect()
    return Dashboard(panels, panels.hub.watch(tuner), tuner)


def mimebundle(tuner: Tuner) -> dict[str, Any]:
    """What a front end shows of a tuner, by MIME type."""
    return show(tuner).bundle()


def open_saved(path: Path | str) -> Dashboard:
    """The panel of a saved run, for reading only; its log is read, no pickle is loaded.

    Args:
        path: The run's folder.

    Raises:
        CommandRefused: If there is no run in the folder.
    """
    from synetune_lab.dashboard.display import Dashboard, connect
    from synetune_lab.dashboard.queries import open_run

    panels = connect()
    return Dashboard(panels, open_run(panels.hub, Path(path).expanduser()))
