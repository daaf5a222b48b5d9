"""The panel as an anywidget, for notebook hosts without our JupyterLab extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from synetune_lab.dashboard.control import mend_replies

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

from synetune_lab.dashboard.assets import SCRIPT, STYLE


class PanelWidget(anywidget.AnyWidget):
    """Shows one run. It is a transport of the hub as well: custom messages, never traitlets.

    Args:
        hub: Where its messages go.
        run: The run that it shows.
    """

    _esm = SCRIPT
    _css = STYLE if STYLE.is_file() else ""
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

    def _on_custom(self, _widget: Any, content: Any, _buffers: Any) -> None:
        self._hub.receive(self, content)
