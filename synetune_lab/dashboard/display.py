"""What a cell shows: our MIME type, the widget, a table, a line of text, in one bundle."""

from __future__ import annotations

import logging
import threading
import uuid
from html import escape
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard import requests, table
from synetune_lab.dashboard.assets import is_built
from synetune_lab.dashboard.control import COMM_ID, CommServer
from synetune_lab.dashboard.hub import Hub
from synetune_lab.dashboard.kernel import current_kernel, obstacle
from synetune_lab.dashboard.pictures import Pictures, phase_of
from synetune_lab.dashboard.small_snapshot import small_snapshot

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed
    from synetune_lab.dashboard.widget import PanelWidget
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

MIME_TYPE = "application/vnd.synetune.dashboard+json"
WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
NOT_BUILT = (
    "The panel's front end is missing: this checkout of synetune_lab was not built. Run "
    "`npm ci && npm run build` in it, then restart the kernel."
)


class Panels:
    """All panels of this process: the hub, and its ways to the front ends of the kernel.

    Attributes:
        hub: The runs and who looks at them.
        obstacle: Why there is no live panel, None if there is.
    """

    def __init__(self) -> None:
        self.hub = Hub(requests.handle)
        self.pictures = Pictures(self.hub.feeds, self._update)
        self._widgets: dict[str, PanelWidget] = {}
        self.kernel = current_kernel()
        self.obstacle = obstacle(self.kernel)
        if self.obstacle is None:
            self._server = CommServer(self.hub, self.kernel)
            self.hub.chores.append(self.pictures.renew)
        if self.kernel is not None:
            # The last word of a cell that waited for the run's end, before the next one begins.
            self.kernel.shell.events.register("post_run_cell", lambda _=None: self._after_cell())

    def _after_cell(self) -> None:
        try:
            self.pictures.renew()
        except Exception:
            logger.exception("the pictures of runs could not be renewed")

    def bundle(self, feed: RunFeed) -> dict[str, Any]:
        """The MIME bundle of a run as of now."""
        feed.refresh()
        snapshot = small_snapshot(feed, COMM_ID if self.obstacle is None else None)
        note = self.obstacle or (None if is_built() else NOT_BUILT)
        told = table.headline(snapshot["header"], snapshot["best"])
        shown = {
            MIME_TYPE: snapshot,
            "text/html": table.as_html(snapshot) + (f"<p>{escape(note)}</p>" if note else ""),
            "text/plain": f"{told}\n{note}" if note else told,
        }
        widget = self._widget(feed.key)
        if widget is not None:
            shown[WIDGET_TYPE] = widget
        return shown

    def _widget(self, run: str) -> Any:
        """The reference to the widget of a run; all outputs that show it share one."""
        if self.obstacle is not None or not is_built():
            return None
        widget = self._widgets.get(run)
        if widget is None or widget.comm is None:
            if threading.current_thread() is not threading.main_thread():
                return None
            from synetune_lab.dashboard.widget import PanelWidget

            widget = self._widgets[run] = PanelWidget(self.hub, run)
        return widget.view_reference()

    def show(self, feed: RunFeed) -> None:
        """Show a run in the output of the running cell, and keep the picture up to date."""
        from IPython.display import display

        output = uuid.uuid4().hex
        feed.watched()
        bundle = self.bundle(feed)
        display(bundle, raw=True, display_id=output)  # type: ignore[no-untyped-call]
        if self.kernel is not None:
            self.pictures.note(feed.key, output, phase_of(bundle[MIME_TYPE]["header"]))

    def _update(self, feed: RunFeed, outputs: list[str]) -> None:
        from IPython.display import display

        bundle = self.bundle(feed)
        for output in outputs:
            display(bundle, raw=True, display_id=output, update=True)  # type: ignore[no-untyped-call]


class Dashboard:
    """The panel of a run, to be the last line of a cell.

    Args:
        panels: All panels of this process.
        feed: The run.
        tuner: Kept as long as this object, so that the run stays in view.
    """

    def __init__(self, panels: Panels, feed: RunFeed, tuner: Tuner | None = None) -> None:
        self._panels = panels
        self._feed = feed
        self._tuner = tuner

    @property
    def run(self) -> str:
        """What messages call the run."""
        return self._feed.key

    def bundle(self) -> dict[str, Any]:
        """The MIME bundle as of now."""
        return self._panels.bundle(self._feed)

    def _ipython_display_(self) -> None:
        self._panels.show(self._feed)

    def __repr__(self) -> str:
        return str(self.bundle()["text/plain"])


_panels: Panels | None = None
_lock = threading.Lock()


def connect() -> Panels:
    """The panels of this process, reachable from the kernel's front ends from now on."""
    global _panels
    with _lock:
        if _panels is None:
            _panels = Panels()
            if _panels.kernel is not None and _panels.obstacle is not None:
                logger.warning("%s", _panels.obstacle)
            elif _panels.kernel is not None and not is_built():
                logger.warning("%s", NOT_BUILT)
        return _panels
