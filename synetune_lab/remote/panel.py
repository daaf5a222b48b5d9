"""Shows a remote run in the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.dashboard.display import Dashboard, connect
from synetune_lab.remote.feed import RemoteFeed

if TYPE_CHECKING:
    from synetune_lab.remote.remote_run import RemoteRun

__all__ = ["show"]


def show(run: RemoteRun) -> Dashboard:
    """The panel of a remote run, to be the last line of a cell."""
    panels = connect()
    path = run.path.resolve()
    for feed in list(panels.hub.feeds.values()):
        # The same name may have been launched again, as another job.
        is_same = isinstance(feed, RemoteFeed) and feed.run.job_name == run.job_name
        if is_same and feed.path.resolve() == path:
            return Dashboard(panels, feed)
    opened = RemoteFeed(run)
    panels.hub.add(opened)
    return Dashboard(panels, opened)
