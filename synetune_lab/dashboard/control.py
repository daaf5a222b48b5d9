"""Our comm target: one comm with a fixed id serves all views of a kernel.

Over the kernel's control channel it answers while a cell computes, over the shell channel it waits
for the cell's end. Clients are told by which of them their message came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synetune_lab.dashboard.kernel import handle_on_control, mend_replies

if TYPE_CHECKING:
    from synetune_lab.dashboard.hub import Hub

TARGET = "synetune_lab"
COMM_ID = "synetune_lab:v1"


class CommTransport:
    """A comm. Everybody who is attached to it hears what is sent."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._comm: Any = None
        # A comm object that is collected tells everybody that its id is closed. A client that opens
        # a known id replaces the object, so those before are kept.
        self._former: list[Any] = []

    def use(self, comm: Any) -> None:
        """Talk over this comm from now on."""
        mend_replies(comm)
        comm.on_msg(lambda message: self.receive(message["content"]["data"], "shell"))
        if self._comm is not None:
            self._former.append(self._comm)
        self._comm = comm

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Publish a message."""
        if self._comm is not None:
            self._comm.send(content, buffers=buffers)

    def receive(self, data: Any, path: str) -> None:
        """Pass a message on; never blocks."""
        self._hub.receive(self, data, path)


class CommServer:
    """Makes the hub reachable for the front ends of a kernel.

    Args:
        hub: Where messages go.
        kernel: The kernel; it must have a `comm_manager`.
    """

    def __init__(self, hub: Hub, kernel: Any) -> None:
        self._hub = hub
        self._manager = kernel.comm_manager
        self.shared = CommTransport(hub)
        self._manager.register_target(TARGET, self._on_open)
        self._place_beacon()
        self.is_on_control = handle_on_control(
            kernel, COMM_ID, lambda data: self.shared.receive(data, "control")
        )

    def _on_open(self, comm: Any, _message: Any) -> None:
        """A client has opened a comm: the shared one, or (an unknown client) one of its own."""
        if comm.comm_id == COMM_ID:
            self._share(comm)
        else:
            CommTransport(self._hub).use(comm)

    def _share(self, comm: Any) -> None:
        self.shared.use(comm)
        comm.on_close(lambda _: self._place_beacon())

    def _place_beacon(self) -> None:
        """The shared comm exists before any client, so that clients find it, and after them."""
        import comm

        beacon = comm.create_comm(target_name=TARGET, comm_id=COMM_ID, primary=False)
        self._manager.register_comm(beacon)
        self._share(beacon)
