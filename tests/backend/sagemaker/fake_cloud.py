"""AWS on this machine: moto's server, and in front of it training jobs that really run.

moto keeps S3, logs, IAM and STS. It only records training jobs, so that this server answers for
SageMaker itself: a job's source is fetched from S3 and its script executed (see `job_runner`).
Whatever AWS may do wrong can be asked for: see `FakeCloud.fail` and the attributes.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.backend.sagemaker.job_runner import LOG_GROUP, FakeJob
from tests.backend.sagemaker.moto_server import REGION, Moto

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/AmazonSageMaker-ExecutionRole-tests"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/trials:latest"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class Refusal(Exception):  # noqa: N818 - an answer
    """AWS says no."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class FakeCloud:
    """The server that the backend talks to.

    Attributes:
        calls: How often each operation was called, those that failed too.
        jobs: All training jobs by name.
        errors: What went wrong in the tests' own machinery.
        network_is_gone: Connections are cut.
        credentials_are_expired: Every call is refused.
        free_instances: A job beyond them is refused with `ResourceLimitExceeded`.
        jobs_without_capacity: So many of the next jobs are taken, and then fail for want of
            instances.
        invisible_s: How long new jobs are unknown to lists and descriptions.
        deliver_log: How lines reach the log: from a line to `(delay in seconds, line)` pairs.
        jobs_see_us: Jobs talk to this server, too, not to moto past all faults.
        instant: Jobs report once and end, without a process.
        accounts: Account of an access key, where it is not `ACCOUNT`. It has no jobs.
    """

    def __init__(self, moto: Moto) -> None:
        self.moto = moto
        self.logs, self.s3 = moto.client("logs"), moto.client("s3")
        self.calls: Counter[str] = Counter()
        self.jobs: dict[str, FakeJob] = {}
        self.errors: list[Exception] = []
        self.is_closed = False
        self.network_is_gone = False
        self.credentials_are_expired = False
        self.free_instances: int | None = None
        self.jobs_without_capacity = 0
        self.invisible_s = 0.0
        self.jobs_see_us = False
        self.instant = False
        self.accounts: dict[str, str] = {}
        self.grace_s = 10.0
        self.deliver_log: Callable[[str], list[tuple[float, str]]] = lambda line: [(0.0, line)]
        self._failures: list[tuple[str, str, list[int], bool]] = []
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        moto.client("iam").create_role(
            RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument="{}"
        )

    def close(self) -> None:
        self.is_closed = True
        for job in self.jobs.values():
            job.kill()
        self.server.shutdown()
        self.server.server_close()
        for job in self.jobs.values():
            shutil.rmtree(job.folder, ignore_errors=True)
        self.moto.client("iam").delete_role(RoleName=ROLE.rpartition("/")[2])
        # moto searches all of a group, whatever the prefix: the next test begins with an empty one.
        with suppress(self.logs.exceptions.ResourceNotFoundException):
            self.logs.delete_log_group(logGroupName=LOG_GROUP)

    def fail(
        self,
        operation: str,
        code: str,
        times: int = 1,
        *,
        after_doing_it: bool = False,
        after: int = 0,
    ) -> None:
        """Let the next calls fail; `after_doing_it` if only the answer gets lost.

        With the code `Cut` the connection is cut. So many calls still succeed first: `after`.
        """
        self._failures.append((operation, code, [after, times], after_doing_it))

    def take_failure(self, operation: str) -> tuple[str, bool] | None:
        with self.lock:
            for name, code, left, after in self._failures:
                if name != operation or left[1] <= 0:
                    continue
                if left[0] > 0:
                    left[0] -= 1
                    return None
                left[1] -= 1
                return code, after
        return None

    def running(self) -> list[str]:
        """Jobs that are not over."""
        return [job.name for job in self.jobs.values() if not job.is_over]

    # The operations of SageMaker.

    def answer(
        self, operation: str, given: dict[str, Any], account: str = ACCOUNT
    ) -> dict[str, Any]:
        if account != ACCOUNT:
            if operation == "ListTrainingJobs":
                return {"TrainingJobSummaries": []}
            raise Refusal("ValidationException", "Requested resource not found.")
        with self.lock:
            return getattr(self, f"_{operation}")(given)

    def _CreateTrainingJob(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given["TrainingJobName"]
        if not NAME.fullmatch(name):
            raise Refusal("ValidationException", f"Value '{name}' at 'trainingJobName' failed")
        if name in self.jobs:
            raise Refusal("ResourceInUse", f"Training Job with name {name} already exists")
        for key, value in given.get("HyperParameters", {}).items():
            assert isinstance(value, str)
            if len(key) > 256 or len(value) > 2500:
                raise Refusal("ValidationException", f"hyperparameter {key} is too long")
        if len(given.get("HyperParameters", {})) > 100:
            raise Refusal("ValidationException", "too many hyperparameters")
        if self.free_instances is not None and len(self.running()) >= self.free_instances:
            raise Refusal(
                "ResourceLimitExceeded",
                "The account-level service limit 'ml.m5.xlarge for training job usage' is "
                f"{self.free_instances} Instances, with current utilization of "
                f"{self.free_instances} Instances and a request delta of 1 Instances.",
            )
        self.jobs[name] = job = FakeJob(self, given)
        if self.jobs_without_capacity > 0:
            self.jobs_without_capacity -= 1
            job.lacks_capacity = True
        job.start()
        return {"TrainingJobArn": job.arn}

    def _job(self, given: dict[str, Any]) -> FakeJob:
        job = self.jobs.get(given["TrainingJobName"])
        if job is None or time.time() - job.created < self.invisible_s:
            raise Refusal("ValidationException", "Requested resource not found.")
        return job

    def _DescribeTrainingJob(self, given: dict[str, Any]) -> dict[str, Any]:
        return self._job(given).describe()

    def _StopTrainingJob(self, given: dict[str, Any]) -> dict[str, Any]:
        job = self._job(given)
        if job.status in ("Completed", "Failed", "Stopped"):
            raise Refusal(
                "ValidationException",
                f"The request was rejected because the training job is in status {job.status}.",
            )
        job.stop()
        return {}

    def _UpdateTrainingJob(self, given: dict[str, Any]) -> dict[str, Any]:
        job = self._job(given)
        if job.warm_pool != "Available":
            raise Refusal("ValidationException", "The training job has no available warm pool.")
        keep_alive = given["ResourceConfig"]["KeepAlivePeriodInSeconds"]
        job.request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep_alive
        return {"TrainingJobArn": job.arn}

    def _ListTrainingJobs(self, given: dict[str, Any]) -> dict[str, Any]:
        jobs = [
            job
            for job in reversed(self.jobs.values())
            if given.get("NameContains", "") in job.name
            and given.get("StatusEquals", job.status) == job.status
            and given.get("WarmPoolStatusEquals", job.warm_pool) == job.warm_pool
            and time.time() - job.created >= self.invisible_s
        ]
        first = int(given.get("NextToken", 0))
        size = given.get("MaxResults", 10)
        page = jobs[first : first + size]
        answer: dict[str, Any] = {"TrainingJobSummaries": [job.summary() for job in page]}
        if len(jobs) > first + size:
            answer["NextToken"] = str(first + size)
        return answer


def _handler_of(cloud: FakeCloud) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:  # whoever asked has hung up
                self.close_connection = True

        def answer(self) -> None:
            body = self._body()
            target = self.headers.get("X-Amz-Target", "")
            service, _, operation = target.partition(".")
            operation = operation or f"{self.command} {self._service()}"
            cloud.calls[operation] += 1
            failure = cloud.take_failure(operation)
            if cloud.network_is_gone or (failure == ("Cut", False)):
                self._cut()
                return
            try:
                if cloud.credentials_are_expired:
                    raise Refusal(
                        "ExpiredTokenException",
                        "The security token included in the request is expired",
                    )
                if failure is not None and not failure[1]:
                    raise Refusal(failure[0], f"{failure[0]} as asked for")
                if service == "SageMaker":
                    account = cloud.accounts.get(self._key(), ACCOUNT)
                    answer = cloud.answer(operation, json.loads(body or b"{}"), account)
                    status, headers, body = 200, {}, json.dumps(answer).encode()
                else:
                    status, headers, body = self._forward(body, operation)
                    if operation == "POST sts" and self._key() in cloud.accounts:
                        own, other = ACCOUNT.encode(), cloud.accounts[self._key()].encode()
                        body = body.replace(own, other)
            except Refusal as refusal:
                status, headers, body = self._refuse(refusal, service)
            if failure is not None and failure[1]:
                self._cut()
                return
            self._send(status, headers, body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

        def _scope(self) -> list[str]:
            scope = re.search(r"Credential=([^,]*)", self.headers.get("Authorization", ""))
            return scope.group(1).split("/") if scope else [""] * 5

        def _service(self) -> str:
            return self._scope()[-2]

        def _key(self) -> str:
            return self._scope()[0]

        def _body(self) -> bytes:
            if self.headers.get("Expect", "").lower() == "100-continue":
                pass  # the base class has answered it
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _refuse(self, refusal: Refusal, service: str) -> tuple[int, dict[str, str], bytes]:
            if service:
                body = json.dumps({"__type": refusal.code, "message": str(refusal)})
                return refusal.status, {"x-amzn-ErrorType": refusal.code}, body.encode()
            text = f"<Code>{refusal.code}</Code><Message>{refusal}</Message>"
            if self._service() == "s3":
                return refusal.status, {}, f"<Error>{text}</Error>".encode()
            wrapped = f"<ErrorResponse><Error>{text}</Error></ErrorResponse>"
            return refusal.status, {}, wrapped.encode()

        def _forward(self, body: bytes, operation: str) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", cloud.moto.port, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if operation == "FilterLogEvents":  # moto knows no prefixes of streams
                prefix = json.loads(body).get("logStreamNamePrefix", "")
                found = json.loads(content)
                if "events" in found:
                    events = found["events"]
                    found["events"] = [e for e in events if e["logStreamName"].startswith(prefix)]
                    content = json.dumps(found).encode()
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP}
            if self.command == "HEAD":
                kept["Content-Length"] = answer.getheader("Content-Length", "0")
            return answer.status, kept, content

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "date", "server", "expect"}
