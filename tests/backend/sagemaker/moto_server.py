"""moto's server, which keeps S3, logs, IAM and STS for the tests of this folder."""

from __future__ import annotations

import hashlib
import io
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

REGION = "us-east-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Moto:
    """moto's server as a process of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clients: dict[str, Any] = {}
        self.sources = Path(tempfile.mkdtemp(prefix="sources-"))
        self.lock = threading.Lock()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, "moto's server has ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def client(self, service: str) -> Any:
        """A client that goes to moto itself, past all faults."""
        import boto3

        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id="x",
                aws_secret_access_key="x",
            )
        return self.clients[service]

    def unpack(self, archive: bytes) -> Path:
        """Where the source of a job is: unpacked, and compiled, once for all jobs that have it."""
        folder = self.sources / hashlib.sha256(archive).hexdigest()
        with self.lock:
            if not folder.exists():
                with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
                    packed.extractall(folder, filter="data")
        return folder

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.sources, ignore_errors=True)
