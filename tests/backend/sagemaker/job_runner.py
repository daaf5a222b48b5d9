"""A training job that runs: its script is executed as SageMaker's script mode does.

What is `/opt/ml` in a container is a folder of its own here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.backend.sagemaker.fake_cloud import FakeCloud

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
OPT_ML = "/opt/ml"


class FakeJob:
    def __init__(self, cloud: FakeCloud, request: dict[str, Any]) -> None:
        self.cloud, self.request = cloud, request
        self.name: str = request["TrainingJobName"]
        self.arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{self.name}"
        self.created = time.time()
        self.began: float | None = None
        self.ended: float | None = None
        self.lacks_capacity = False
        self.lines_written = 0
        self.status, self.secondary = "InProgress", "Starting"
        self.reason: str | None = None
        self.stop_asked = threading.Event()
        self.interruptions = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.folder = self.code = Path(tempfile.mkdtemp(prefix="opt-ml-"))
        self.writers: list[threading.Timer] = []
        self.last_line = ""
        self.synced: dict[str, tuple[int, int]] = {}
        self.hyperparameters = {
            k: json.loads(v) for k, v in request.get("HyperParameters", {}).items()
        }

    @property
    def is_over(self) -> bool:
        return self.status in ("Completed", "Failed", "Stopped")

    @property
    def warm_pool(self) -> str | None:
        keep_alive = self.request["ResourceConfig"].get("KeepAlivePeriodInSeconds")
        if not keep_alive:
            return None
        return "Available" if self.is_over else "InUse"

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "TrainingJobStatus": self.status,
        }
        if self.warm_pool is not None:
            found["WarmPoolStatus"] = {"Status": self.warm_pool}
        if self.ended is not None:
            found["TrainingEndTime"] = self.ended
        return found

    def describe(self) -> dict[str, Any]:
        found = {**self.request, **self.summary(), "SecondaryStatus": self.secondary}
        if self.reason is not None:
            found["FailureReason"] = self.reason
        if self.began is not None:
            found["TrainingStartTime"] = self.began
        return found

    # What may happen to it.

    def start(self) -> None:
        threading.Thread(target=self._run_safely, daemon=True).start()

    def stop(self) -> None:
        self.status = self.secondary = "Stopping"
        self.stop_asked.set()

    def interrupt(self) -> None:
        """Its spot instance is taken away; it goes on elsewhere, from its checkpoint."""
        self.interruptions += 1
        self.kill()

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    # How it runs.

    def _run_safely(self) -> None:
        try:
            self._run()
        except Exception as error:
            self._end("Failed", f"InternalServerError: {error!r}")
            self.cloud.errors.append(error)

    def _run(self) -> None:
        if self.lacks_capacity:
            self._end(
                "Failed",
                "CapacityError: Unable to provision requested ML compute capacity. Please retry "
                "using a different ML instance type.",
            )
            return
        self.began = time.time()
        if self.cloud.instant:
            report = {"loss": 1.0, "epoch": 1, "st_worker_iter": 0, "st_worker_time": 0.1}
            report["st_worker_timestamp"] = time.time()
            self._make_stream(0)
            self._write(0, f"[tune-metric]: {json.dumps(report)}")
            self._end("Completed")
            return
        self._download_source()
        attempt = 0
        while True:
            before = self.interruptions
            code = self._run_script(attempt)
            if self.interruptions == before:
                break
            self.secondary = "Interrupted"
            attempt += 1
        self.secondary = "Uploading"
        for writer in self.writers:
            if writer.interval < 0.5:
                writer.join()
        if self.stop_asked.is_set():
            self._end("Stopped")
        elif code == 0:
            self._end("Completed")
        else:
            self._end(
                "Failed",
                f"AlgorithmError: ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "
                f'"{self.last_line}"',
            )

    def _end(self, status: str, reason: str | None = None) -> None:
        with self.cloud.lock:
            self.reason, self.ended = reason, time.time()
            self.status = self.secondary = status

    def _download_source(self) -> None:
        body = self._get(self.hyperparameters["sagemaker_submit_directory"])
        self.code = self.cloud.moto.unpack(body)
        for channel in self.request.get("InputDataConfig", []):
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            self._fetch(uri, self.folder / "input/data" / channel["ChannelName"])

    def _run_script(self, attempt: int) -> int:
        checkpoints = self._here(self.request["CheckpointConfig"]["LocalPath"])
        self._fetch(self.request["CheckpointConfig"]["S3Uri"], Path(checkpoints))
        self._make_stream(attempt)
        command = [sys.executable, self.hyperparameters["sagemaker_program"]]
        environment = {**os.environ, **self.request["Environment"], "PYTHONPATH": "."}
        endpoint = self.cloud.url if self.cloud.jobs_see_us else self.cloud.moto.url
        environment.update(AWS_ENDPOINT_URL=endpoint, SM_MODEL_DIR=str(self.folder))
        own = {k: v for k, v in self.hyperparameters.items() if not k.startswith("sagemaker_")}
        environment["SM_HPS"] = json.dumps(own)
        for name, value in own.items():
            text = self._here(str(value))
            environment[f"SM_HP_{name.upper()}"] = text
            command += [f"--{name}" if len(name) > 1 else f"-{name}", text]
        self.process = subprocess.Popen(
            command,
            cwd=self.code,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.secondary = "Training"
        threading.Thread(target=self._hand_on_stop, args=(self.process,), daemon=True).start()
        syncing = threading.Event()
        syncer = threading.Thread(target=self._sync, args=(Path(checkpoints), syncing), daemon=True)
        syncer.start()
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            self.last_line = raw.decode().rstrip("\n")
            for delay, line in self.cloud.deliver_log(self.last_line):
                self._write_later(delay, attempt, line)
        code = self.process.wait()
        self.process.stdout.close()
        syncing.set()
        syncer.join()
        return code

    def _hand_on_stop(self, process: subprocess.Popen[bytes]) -> None:
        while not self.stop_asked.wait(0.05):
            if process.poll() is not None:
                return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(self.cloud.grace_s)
        except subprocess.TimeoutExpired:
            self.kill()

    # Logs.

    def _stream(self, attempt: int) -> str:
        return f"{self.name}/algo-1-{int(self.created) + attempt}"

    def _make_stream(self, attempt: int) -> None:
        logs = self.cloud.logs
        for make, arguments in (
            (logs.create_log_group, {"logGroupName": LOG_GROUP}),
            (
                logs.create_log_stream,
                {"logGroupName": LOG_GROUP, "logStreamName": self._stream(attempt)},
            ),
        ):
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                make(**arguments)

    def deliver(self, line: str) -> None:
        """Write a line of its first attempt now."""
        self._write(0, line)

    def _write_later(self, delay: float, attempt: int, line: str) -> None:
        stamp = int(time.time() * 1000)
        if delay <= 0:
            self._write(attempt, line, stamp)
            return
        timer = threading.Timer(delay, self._write, (attempt, line, stamp))
        timer.daemon = True
        timer.start()
        self.writers.append(timer)

    def _write(self, attempt: int, line: str, stamp: int | None = None) -> None:
        event = {"timestamp": stamp or int(time.time() * 1000), "message": line}
        try:
            self.cloud.logs.put_log_events(
                logGroupName=LOG_GROUP, logStreamName=self._stream(attempt), logEvents=[event]
            )
        except Exception:
            if not self.cloud.is_closed:  # else the test is over, and its logs are gone
                raise
        self.lines_written += 1

    # Files.

    def _here(self, path: str) -> str:
        return f"{self.folder}{path[len(OPT_ML) :]}" if path.startswith(OPT_ML) else path

    @staticmethod
    def _split(uri: str) -> tuple[str, str]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bucket, key.rstrip("/")

    def _get(self, uri: str) -> bytes:
        bucket, key = self._split(uri)
        return bytes(self.cloud.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _objects(self, uri: str) -> Iterator[str]:
        bucket, key = self._split(uri)
        pages = self.cloud.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=f"{key}/"):
            for item in page.get("Contents", []):
                yield item["Key"][len(key) + 1 :]

    def _fetch(self, uri: str, folder: Path) -> None:
        for name in self._objects(uri):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._get(f"{uri.rstrip('/')}/{name}"))

    def _sync(self, folder: Path, is_over: threading.Event) -> None:
        bucket, key = self._split(self.request["CheckpointConfig"]["S3Uri"])
        while True:
            last = is_over.wait(0.05)
            found: list[Path] = []
            with suppress(FileNotFoundError):  # when the test is over, the folder is removed
                found += folder.rglob("*")
            for path in found:
                with suppress(FileNotFoundError):  # drafts come and go
                    name, info = path.relative_to(folder).as_posix(), path.stat()
                    stamp = info.st_mtime_ns, info.st_size
                    if path.is_file() and self.synced.get(name) != stamp:
                        body = path.read_bytes()
                        self.cloud.s3.put_object(Bucket=bucket, Key=f"{key}/{name}", Body=body)
                        self.synced[name] = stamp
            if last:
                return
