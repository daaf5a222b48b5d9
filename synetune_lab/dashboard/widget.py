"""The panel as an anywidget, for notebook hosts without our JupyterLab extension."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from synetune_lab.dashboard.control import mend_replies

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

STATIC = Path(__file__).parent.parent / "static"


class PanelWidget(anywidget.AnyWidget):
    """Shows one run. It is a transport of the hub as well: custom messages, never traitlets.

    Args:
        hub: Where its messages go.
        run: The run that it shows.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"
    run = traitlets.Unicode().tag(sync=True)
    path = "widget"

    def __init__(self, hub: Hub, run: str) -> None:
        super().__init__(run=run)
        self._hub = hub
        mend_replies(self.comm)
        self.on_msg(self._on_custom)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to all views of this widget."""
        super().send(content, buffers=buffers or None)

    def _on_custom(self, _: Any, content: Any, buffers: Any) -> None:
        self._hub.receive(self, content)


def is_built() -> bool:
    """Whether the front end was built (it is in every wheel; a checkout has to build it)."""
    return (STATIC / "widget.js").is_file()
