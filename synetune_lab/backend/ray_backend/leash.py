"""No process of a trial outlives those that look after it, however they went.

Ray's daemon on the node looks after the host, and the host after its trial. Whoever starts the
trial again elsewhere has to be sure that nobody writes to its checkpoint any more.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["Leash", "die_with_daemon"]

# It reads the group to end, line by line; the last one counts. An end of file without a word means
# that the other side has died. It is no child of ours: those are killed together with us.
_KEEPER = (
    "exec 3<&0; ( group=; while read -r line; do group=$line; done <&3; "
    '[ -n "$group" ] && kill -KILL "-$group" ) >/dev/null 2>&1 &'
)


class Leash:
    """Holds one process group at a time; it is killed when this process dies."""

    def __init__(self) -> None:
        self._pipe: int | None = None
        if os.name != "posix":
            return
        reader, self._pipe = os.pipe()
        with os.fdopen(reader, "rb") as end:
            subprocess.run(
                ["/bin/sh", "-c", _KEEPER], stdin=end, start_new_session=True, check=True
            )

    def hold(self, group: int | None) -> None:
        """Hold this process group from now on; None for none."""
        if self._pipe is not None:
            with suppress(OSError):
                os.write(self._pipe, b"\n" if group is None else b"%d\n" % group)

    def close(self) -> None:
        """Let go."""
        if self._pipe is not None:
            self.hold(None)
            os.close(self._pipe)
            self._pipe = None


def die_with_daemon() -> None:
    """End this process as soon as Ray's daemon of this node, which started it, is gone.

    Ray would do so too, some seconds later; by then the trial may have been started elsewhere.
    """
    parent = os.getppid()
    try:
        if Path(f"/proc/{parent}/comm").read_text().strip() != "raylet":
            return
        descriptor = os.pidfd_open(parent)
    except (OSError, AttributeError):
        return

    def wait() -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
        os._exit(1)

    threading.Thread(target=wait, name="daemon watch", daemon=True).start()
