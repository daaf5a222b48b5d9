"""A process that has everything imported and splits off trials, each in a few milliseconds.

It has one thread, so that splitting is safe, obeys one socket, and ends when that is closed. Its
trials don't: each is in a session of its own, under a witness that notes its exit code.

Messages are lines of JSON. The first tells what to import; the answer is `{"ready": true}`, or
`{"threads": name}` if importing `name` started threads: then this process is of no use. After that
each message is a request for a trial, answered by its handle or by `{"error": text}`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from synetune_lab.backend.local.folder import TrialFolder
from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.backend.python_backend.running import run_stored_function

__all__ = ["OPENBLAS_ENV", "serve"]

OPENBLAS_ENV = "OPENBLAS_NUM_THREADS"
"""Set to 1 while importing: the library would start its threads right away."""
_SETTERS = (
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "scipy_openblas_set_num_threads64_",
)
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def serve(connection: socket.socket) -> int:
    """Import what is asked for, then split off trials until the connection is closed.

    Returns:
        Exit code of this process; it also returns in each trial, with that of the trial.
    """
    lines = _Lines(connection)
    signal_reader, signal_writer = os.pipe()
    os.set_blocking(signal_writer, False)
    order = lines.next()
    if order is None:
        return 0
    culprit = _import_all(order["preload"])
    if culprit is not None:
        _send(connection, {"threads": culprit})
        return 0
    setters = _blas_setters()
    gc.collect()
    gc.freeze()  # Trials share our memory as long as nobody touches it.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(signal_writer, warn_on_full_buffer=False)
    _send(connection, {"ready": True})
    while True:
        readable, _, _ = select.select([connection.fileno(), signal_reader], [], [])
        if signal_reader in readable:
            os.read(signal_reader, 4096)
            _reap()
        if connection.fileno() in readable:
            request = lines.next()
            if request is None:
                return 0
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                connection.close()
                os.close(signal_reader)
                os.close(signal_writer)
                return _witness(request, setters)
            # Not reaped yet, so the handle is there even if it has ended already.
            handle = ProcessHandle.of(pid)
            _send(connection, handle.to_json() if handle else {"error": f"{pid} vanished"})


class _Lines:
    """Reads JSON messages, one a line."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def next(self) -> dict[str, Any] | None:
        """The next message; None if there will be none. One who sends waits for the answer."""
        while b"\n" not in self._buffer:
            try:
                data = self._connection.recv(1 << 16)
            except OSError:
                return None
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):  # the other side is gone; the next read will tell
        connection.sendall(json.dumps(message).encode() + b"\n")


def _import_all(names: Iterable[str]) -> str | None:
    """Import modules as far as they can be; returns the one that started threads, if any."""
    for name in names:
        if name in sys.modules:
            continue
        with suppress(Exception):
            importlib.import_module(name)
        if _threads() > 1:
            return name
    return None


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - after each import
    except OSError:
        return 1


def _blas_setters() -> list[Callable[[int], object]]:
    """Functions that give loaded BLAS libraries their threads back."""
    paths = set()
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            path = line.split(maxsplit=5)[-1]
            if "openblas" in path:
                paths.add(path)
    setters: list[Callable[[int], object]] = []
    for path in sorted(paths):
        with suppress(OSError):
            library = ctypes.CDLL(path)
            setters += [getattr(library, name) for name in _SETTERS if hasattr(library, name)]
    return setters


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass


def _witness(request: dict[str, Any], setters: list[Callable[[int], object]]) -> int:
    """Lead a session, split off the trial, and note its end."""
    os.setsid()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    folder = TrialFolder(Path(request["folder"]))
    handle = ProcessHandle.of(os.getpid())
    if handle is not None:
        folder.write_process(request["run"], {**handle.to_json(), **request["handle"]})
    for descriptor, path, flags in (
        (0, Path(os.devnull), os.O_RDONLY),
        (1, folder.stdout, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        (2, folder.stderr, os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    pid = os.fork()
    if pid == 0:
        return _trial(request, setters)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    folder.end.write_text(f"{code if code >= 0 else 128 - code} {request['run']}\n")
    return 0


def _trial(request: dict[str, Any], setters: list[Callable[[int], object]]) -> int:
    """Become a process like one that was started for the trial, and run its function."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = [request["argv0"]]
    if OPENBLAS_ENV not in os.environ:
        threads = int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
        for set_threads in setters:
            set_threads(threads)
    if "numpy" in sys.modules:
        # All trials would draw the same numbers.
        import numpy as np

        np.random.seed()  # noqa: NPY002 - it is the global generator that is shared
    return run_stored_function(
        Path(request["root"]), request["md5"], folder_config(request), request["checkpoints"]
    )


def folder_config(request: dict[str, Any]) -> Path:
    """File with the configuration of the trial that a request is for."""
    return TrialFolder(Path(request["folder"])).config


def leave(code: int) -> None:
    """End this process like an interpreter that ends, but without tearing all modules down."""
    import atexit
    import threading

    shutdown = getattr(threading, "_shutdown", None)
    if shutdown is not None:
        shutdown()  # waits for threads that aren't daemons
    run_exit_functions = getattr(atexit, "_run_exitfuncs", None)
    if run_exit_functions is not None:
        run_exit_functions()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code & 0xFF)


def main() -> None:
    """Run with the number of the socket as the only argument."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    try:
        code = serve(connection)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    leave(code)
