"""The panel as an anywidget, for notebook hosts without our JupyterLab extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from synetune_lab.dashboard.assets import SCRIPT, STYLE
from synetune_lab.dashboard.kernel import mend_replies

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

_VIEW = "application/vnd.jupyter.widget-view+json"


class PanelWidget(anywidget.AnyWidget):
    """Shows one run. It is a transport of the hub as well: custom messages, never traitlets.

    Args:
        hub: Where its messages go.
        run: The run that it shows.
    """

    _esm = SCRIPT
    _css = STYLE if STYLE.is_file() else ""
    run = traitlets.Unicode().tag(sync=True)

    def __init__(self, hub: Hub, run: str) -> None:
        super().__init__(run=run)
        self._hub = hub
        mend_replies(self.comm)
        self.on_msg(self._on_custom)

    def view_reference(self) -> Any:
        """What stands for a view of this widget in a MIME bundle."""
        data, _metadata = self._repr_mimebundle_() or ({}, {})
        return data.get(_VIEW)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to all views of this widget."""
        super().send(content, buffers=buffers or None)

    def _on_custom(self, _widget: Any, content: Any, _buffers: Any) -> None:
        self._hub.receive(self, content, "widget")
