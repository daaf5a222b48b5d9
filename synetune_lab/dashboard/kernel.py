"""The kernel around us: which one it is, what is wrong with it, and how that is mended.

Everything that depends on a version of ipykernel is in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Receive = Callable[[Any], None]

_BROKEN = ("7.0.0", "7.0.1")


def current_kernel() -> Any:
    """The Jupyter kernel that this process runs, None if there is none."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return getattr(get_ipython(), "kernel", None)


def obstacle(kernel: Any) -> str | None:
    """Why no live panel is possible in this process, in a sentence; None if one is."""
    if kernel is None:
        return "The live panel needs a notebook: this process is not the kernel of one."
    if getattr(kernel, "comm_manager", None) is None:
        return "The kernel of this notebook has no comms, so the panel is only a picture."
    version = _version_of(kernel)
    if version in _BROKEN:
        return (
            f"ipykernel {version} can't send from a background thread, so the panel is only a "
            "picture: install another version, such as 7.1 or newer, and restart the kernel."
        )
    return None


def _version_of(kernel: Any) -> str | None:
    """The version of ipykernel, None for a kernel of another kind."""
    import sys

    package = sys.modules.get("ipykernel")
    if package is None or not any(
        cls.__module__.startswith("ipykernel.") for cls in type(kernel).__mro__
    ):
        return None
    return str(getattr(package, "__version__", ""))


def handle_on_control(kernel: Any, comm_id: str, receive: Receive) -> bool:
    """Have messages of comms handled on the control channel, too, which answers at any time.

    ipykernel handles them on the shell channel only, where they wait for the running cell. Its
    public `control_handlers` is a dictionary of what the control channel understands.

    Messages of our own comm go straight to `receive`. The way of ipykernel would trigger the
    events of a cell's end on the control thread, and with them, say, have matplotlib show and
    close the figure that the running cell is about to draw.

    Args:
        kernel: The kernel.
        comm_id: Our comm. It is there for everybody: opening or closing it changes nothing.
        receive: Gets the data of our messages, on the control thread: it must not block.

    Returns:
        Whether the kernel can do that.
    """
    handlers = getattr(kernel, "control_handlers", None)
    if handlers is None:
        return False

    def add(name: str) -> None:
        others = handlers.get(name) or getattr(kernel.comm_manager, name)

        def handle(stream: Any, ident: Any, message: Any) -> Any:
            content = message["content"]
            if content.get("comm_id") != comm_id:
                return others(stream, ident, message)
            if name == "comm_msg":
                receive(content.get("data"))
            return None

        handlers[name] = handle

    for name in ("comm_open", "comm_msg", "comm_close"):
        add(name)
    return True


def mend_replies(comm: Any) -> None:
    """Undo a routing of ipykernel 7.4 that sends messages of a comm back to the busy main shell.

    There each send records the subshell of the current message, and incoming messages are then
    rerouted to it, whatever their header says. The name is private; where it is missing, nothing
    happens.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, default: default
