"""A JupyterLab server of its own for a headless check: own settings, own folders, own port."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType

# The whole notebook stays in the page, and nothing pops up or asks the network for news.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "docmanager-extension/plugin": {"autosave": False},
}


class JupyterServer:
    """Runs JupyterLab on a folder while the context lasts.

    Args:
        root: The folder to serve.
        state: Where settings, workspaces and saved runs go.
        log: Where the server's output goes.
    """

    def __init__(self, root: Path, *, state: Path, log: Path) -> None:
        self._root, self._state, self._log = root, state, log
        self._token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def lab_url(self, path: str) -> str:
        """The address that opens one file of the folder."""
        return f"http://127.0.0.1:{self._port}/lab/tree/{path}?token={self._token}"

    def __enter__(self) -> JupyterServer:
        self._write_settings()
        self._port = _free_port()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self._root,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_ready(deadline=time.monotonic() + 90)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)  # ends the kernels too
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self._port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self._root}",
            f"--IdentityProvider.token={self._token}",
            "--LabApp.expose_app_in_browser=True",
        ]

    def _environment(self) -> dict[str, str]:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "SYNETUNE_FOLDER": "runs",
        }
        return {**os.environ, **{key: str(self._state / name) for key, name in folders.items()}}

    def _write_settings(self) -> None:
        for name, values in SETTINGS.items():
            path = self._state / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def _wait_until_ready(self, deadline: float) -> None:
        url = f"http://127.0.0.1:{self._port}/api/status?token={self._token}"
        while True:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                pass
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
