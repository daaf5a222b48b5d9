"""Our comm target on the kernel's control channel, which answers while a cell computes.

ipykernel handles comm messages on the shell channel only, where they wait for the running cell.
Its public `control_handlers` lets us have them handled on the control channel as well, on a thread
of its own. Handlers there only enqueue. One comm with a fixed id serves all views of a kernel.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

logger = logging.getLogger(__name__)

TARGET = "synetune_lab"
COMM_ID = "synetune_lab:v1"
_COMM_MESSAGES = ("comm_open", "comm_msg", "comm_close")


class ControlTransport:
    """The comm of this kernel; the same object for all clients."""

    path = "control"

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._comm: Any = None
        self._kept: list[Any] = []

    def use(self, comm: Any) -> None:
        """Talk over this comm from now on."""
        mend_replies(comm)
        comm.on_msg(self._on_message)
        self._comm = comm
        # Each client opens the comm anew under the same id. A comm object that is collected tells
        # everybody that the id is closed, so none of them may be.
        self._kept.append(comm)

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Publish to every client that is attached to the comm."""
        if self._comm is not None:
            self._comm.send(content, buffers=buffers)

    def _on_message(self, message: Any) -> None:
        self._hub.receive(self, message["content"]["data"])


def mend_replies(comm: Any) -> None:
    """Undo a routing of ipykernel 7.4 that sends messages of a comm back to the busy main shell.

    There each send records the subshell of the current message, and incoming messages are then
    rerouted to it, whatever their header says. The name is private; where it is missing, nothing
    happens.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, default: default


def current_kernel() -> Any:
    """The ipykernel that this process runs, None if there is none."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    return getattr(shell, "kernel", None)


def open_control(hub: Hub) -> ControlTransport | None:
    """Make the comm reachable over the control channel; None where there is no ipykernel."""
    kernel = current_kernel()
    manager = getattr(kernel, "comm_manager", None)
    if manager is None:
        return None
    handlers = getattr(kernel, "control_handlers", None)
    transport = ControlTransport(hub)
    if handlers is None:
        transport.path = "shell"
    else:
        for name in _COMM_MESSAGES:
            handlers.setdefault(name, getattr(manager, name))
    manager.register_target(TARGET, lambda comm, _: transport.use(comm))
    _place_beacon(manager, transport)
    return transport


def _place_beacon(manager: Any, transport: ControlTransport) -> None:
    """A comm with the fixed id that exists before any client, so that clients find the target."""
    import comm

    beacon = comm.create_comm(target_name=TARGET, comm_id=COMM_ID, primary=False)
    manager.register_comm(beacon)
    transport.use(beacon)
