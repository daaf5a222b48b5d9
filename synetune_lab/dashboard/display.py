"""What a cell shows: our MIME type, the widget, a table, a line of text, in one bundle."""

from __future__ import annotations

import json
import logging
import time
import uuid
import weakref
from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard import table
from synetune_lab.dashboard.assets import is_built
from synetune_lab.dashboard.control import COMM_ID, ControlTransport, current_kernel, open_control
from synetune_lab.dashboard.hub import Hub, the_hub
from synetune_lab.dashboard.messages import static_snapshot

if TYPE_CHECKING:
    from synetune_lab.dashboard.feed import RunFeed
    from synetune_lab.tuner import Tuner

logger = logging.getLogger(__name__)

MIME_TYPE = "application/vnd.synetune.dashboard+json"
WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
SCHEMA = 1
MOST_BYTES = 200_000
_POINTS = (4000, 1500, 500, 100, 0)
UPDATE_EVERY_S = 30.0
_RESTING = ("finished", "failed", "paused")

_transport: ControlTransport | None = None


def connect() -> Hub:
    """The hub, reachable from the kernel's front ends."""
    global _transport
    hub = the_hub()
    if _transport is None:
        _transport = open_control(hub)
    return hub


class Dashboard:
    """The panel of a run, to be the last line of a cell; `None` kernels show a line of text."""

    def __init__(self, hub: Hub, key: str, tuner: Tuner | None = None) -> None:
        self._hub = hub
        self._key = key
        self._keep = tuner  # the run stays in view while somebody keeps the panel
        self._display_id = uuid.uuid4().hex
        self._shown_at = 0.0
        self._shown_state: str | None = None
        self._widget: Any = None

    @property
    def run(self) -> str:
        """What messages call the run."""
        return self._key

    def bundle(self) -> dict[str, Any]:
        """The MIME bundle as of now."""
        feed = self._hub.feeds[self._key]
        feed.refresh()
        snapshot = small_snapshot(self._key, feed)
        shown = {
            MIME_TYPE: snapshot,
            "text/html": table.as_html(snapshot),
            "text/plain": table.headline(snapshot["header"], snapshot["best"]),
        }
        widget = self._widget_view()
        if widget is not None:
            shown[WIDGET_TYPE] = widget
        self._shown_at, self._shown_state = time.monotonic(), snapshot["header"]["state"]
        return shown

    def _widget_view(self) -> Any:
        if current_kernel() is None:
            return None
        if self._widget is None:
            if not is_built():
                logger.warning("the panel's front end is not built: run `npm run build`")
                return None
            from synetune_lab.dashboard.widget import PanelWidget

            self._widget = PanelWidget(self._hub, self._key)
        return self._widget._repr_mimebundle_()[0][WIDGET_TYPE]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.bundle(), raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]
        this = weakref.ref(self)
        self._hub.after_publish.append(lambda: _update(this))

    def update_if_due(self) -> None:
        """Renew the picture in the notebook: at the end, at a pause, and now and then."""
        feed = self._hub.feeds.get(self._key)
        if feed is None:
            return
        state = feed.header()["state"]
        resting = state != self._shown_state and state in _RESTING
        late = time.monotonic() - self._shown_at > UPDATE_EVERY_S and state not in _RESTING
        if not resting and not late:
            return
        from IPython.display import display

        display(  # type: ignore[no-untyped-call]
            self.bundle(), raw=True, display_id=self._display_id, update=True
        )

    def __repr__(self) -> str:
        return str(self.bundle()["text/plain"])


def _update(this: weakref.ref[Dashboard]) -> None:
    dashboard = this()
    if dashboard is not None:
        dashboard.update_if_due()


def small_snapshot(key: str, feed: RunFeed) -> dict[str, Any]:
    """A static snapshot of at most 200 kB: fewer points and, in need, only the best trials."""
    header = feed.header()
    for points in _POINTS:
        snapshot = static_snapshot(key, feed.view, header, points)
        snapshot.update(schema=SCHEMA, comm=COMM_ID)
        if len(json.dumps(snapshot)) <= MOST_BYTES:
            return snapshot
    kept = {row["id"] for row in table.best_rows(snapshot)}
    snapshot["trials"] = [row for row in snapshot["trials"] if row["id"] in kept]
    snapshot["rungs"] = [
        {**column, "entries": [e for e in column["entries"] if e["trial"] in kept]}
        for column in snapshot["rungs"]
    ]
    return snapshot
