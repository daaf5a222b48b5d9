"""Keeps a zygote ready: a cold one at first, a warm one once it is known what to import."""

from __future__ import annotations

import json
import logging
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.backend.python_backend.running import IMPORTED_FILENAME
from synetune_lab.errors import BackendError

__all__ = ["Nursery"]

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 5.0
MAX_ATTEMPTS = 5
_OPENBLAS_ENV = "OPENBLAS_NUM_THREADS"
# pandas imports pyarrow where it is installed, whose allocator would start a thread right away.
_ARROW_ENV = "JE_ARROW_MALLOC_CONF"


class Nursery:
    """Where trials of a function are split off from a process that has imported what they need.

    Nothing here ever waits for an import: as long as a warm zygote is not ready, the cold one is
    used, and without any the caller starts an ordinary process.

    Args:
        root: Where the function is stored, and where its first trial notes what it imported.
        environment: Added to our environment for the zygotes.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self._root = root
        self._environment = dict(environment)
        self._excluded: set[str] = set()
        self._attempts = 0
        self._warm_started = False
        self._current: _Zygote | None = None
        self._coming: _Zygote | None = None
        self._start(self._preload())

    @property
    def pid(self) -> int | None:
        """Process id of the zygote that the next trial is split off, None if none is ready."""
        self.refresh()
        current = self._current
        return current.pid if current is not None and current.is_ready() else None

    @property
    def is_warm(self) -> bool:
        """Whether the next trial finds its modules imported."""
        self.refresh()
        return self._current is not None and self._current.preloads and self._current.is_ready()

    def refresh(self) -> None:
        """See whether something has become known or ready; quick."""
        if not self._warm_started and (self._root / IMPORTED_FILENAME).exists():
            self._start(self._preload())
        coming = self._coming
        if coming is None:
            return
        if coming.is_ready():
            self._retire(self._current)
            self._current, self._coming = coming, None
        elif coming.culprit is not None:
            package = coming.culprit.partition(".")[0]
            logger.info("Importing %s starts threads: it is left to each trial", package)
            self._excluded.add(package)
            self._replace_coming(coming)
        elif coming.is_gone:
            self._replace_coming(coming)

    def fork(self, request: Mapping[str, Any]) -> ProcessHandle | None:
        """Split off a trial.

        Returns:
            The leader of its session; None if no zygote is ready.
        """
        self.refresh()
        zygote = self._current
        if zygote is None or not zygote.is_ready():
            return None
        try:
            return zygote.fork(request)
        except BackendError as error:
            logger.warning("A trial is started as an ordinary process: %s", error)
            self._retire(zygote)
            self._current = None
            self._start(self._preload())
            return None

    def close(self) -> None:
        """End the zygotes; trials go on."""
        self._retire(self._current)
        self._retire(self._coming)
        self._current = self._coming = None

    def _preload(self) -> list[str]:
        try:
            names = json.loads((self._root / IMPORTED_FILENAME).read_text())
        except (OSError, ValueError):
            return []
        self._warm_started = True
        return [name for name in names if name.partition(".")[0] not in self._excluded]

    def _replace_coming(self, coming: _Zygote) -> None:
        self._retire(coming)
        self._coming = None
        self._start(self._preload())

    def _start(self, preload: list[str]) -> None:
        if self._attempts >= MAX_ATTEMPTS:
            return
        self._attempts += 1
        self._retire(self._coming)
        with suppress(OSError):
            self._coming = _Zygote(self._root, preload, self._environment)

    def _retire(self, zygote: _Zygote | None) -> None:
        if zygote is not None:
            zygote.close()


class _Zygote:
    """Our end of the connection to one zygote."""

    def __init__(self, root: Path, preload: list[str], environment: Mapping[str, str]) -> None:
        self.preloads = bool(preload)
        self.culprit: str | None = None
        self.is_gone = False
        self._ready = False
        self._buffer = b""
        ours, theirs = socket.socketpair()
        settings = {**os.environ, **environment}
        settings.setdefault(_OPENBLAS_ENV, "1")
        settings.setdefault(_ARROW_ENV, "background_thread:false")
        script = Path(__file__).with_name("zygote_main.py")
        with (root / "zygote.log").open("ab") as log, theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(script), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=settings,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._connection = ours
        self._send({"preload": preload})

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it has imported what it should."""
        if not self._ready and not self.is_gone and self.culprit is None:
            message = self._receive(0.0)
            if message is not None:
                self._ready = bool(message.get("ready"))
                self.culprit = message.get("threads")
        return self._ready and not self.is_gone

    def fork(self, request: Mapping[str, Any]) -> ProcessHandle:
        """Split off a trial.

        Raises:
            BackendError: If the zygote does not answer. It is killed then: it must not start the
                trial later.
        """
        self._send(request)
        message = self._receive(ANSWER_TIMEOUT_S)
        handle = None if message is None else ProcessHandle.from_json(message)
        if handle is None:
            self.close()
            raise BackendError(f"the process that splits off trials gave no handle ({message})")
        return handle

    def close(self) -> None:
        """End it."""
        self.is_gone = True
        self._connection.close()
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.is_gone = True

    def _receive(self, timeout: float) -> dict[str, Any] | None:
        while b"\n" not in self._buffer:
            if self.is_gone or not select.select([self._connection], [], [], timeout)[0]:
                return None
            try:
                data = self._connection.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                self.is_gone = True
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message
