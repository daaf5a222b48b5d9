"""The panel's side in the kernel: a view model of each run, and messages to whoever looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.dashboard.display import Dashboard
    from synetune_lab.tuner import Tuner

__all__ = ["mimebundle", "open_saved", "show"]

_shown: dict[str, Dashboard] = {}


def show(tuner: Tuner) -> Dashboard:
    """The live panel of a tuner, to be the last line of a cell."""
    from synetune_lab.dashboard.display import Dashboard, connect

    hub = connect()
    return Dashboard(hub, hub.watch(tuner), tuner)


def mimebundle(tuner: Tuner) -> dict[str, Any]:
    """What a front end shows of a tuner."""
    return show(tuner).bundle()


def open_saved(path: Path | str) -> Dashboard:
    """The panel of a saved run, read from its log; no pickle is loaded.

    Raises:
        CommandRefused: If there is no run in the folder.
    """
    from synetune_lab.dashboard.display import Dashboard, connect
    from synetune_lab.dashboard.queries import open_run

    hub = connect()
    return Dashboard(hub, open_run(hub, Path(path).expanduser()))
