"""Runs each trial as a SageMaker training job.

Everything happens in the thread that calls `execute` and `wait_events`: every `sleep_time` seconds
one list of the jobs that run, one search in their logs, and a closer look at those that ended.
A trial does not need us: it outlives the notebook's kernel, and who resumes the run adopts it.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.sagemaker_backend.aws import AwsError, check_same_account
from synetune_lab.backend.sagemaker_backend.documented import (
    DocumentedSageMakerBackend,
    without_reports,
)
from synetune_lab.backend.sagemaker_backend.hyperparameters import (
    check_count,
    check_space,
    encode_fixed,
    values_of,
)
from synetune_lab.backend.sagemaker_backend.instance_info import InstanceInfos
from synetune_lab.backend.sagemaker_backend.job import Backoff, Job
from synetune_lab.backend.sagemaker_backend.jobs import JobBoard
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.backend.sagemaker_backend.reports import JobReports
from synetune_lab.backend.sagemaker_backend.request import (
    SCRIPT_MODE_HYPERPARAMETERS,
    instances_of,
    training_job_request,
)
from synetune_lab.backend.sagemaker_backend.request_check import check_request, check_types
from synetune_lab.backend.sagemaker_backend.warm_pools import give_back_warm_pools
from synetune_lab.backend.sagemaker_backend.watch import Watch
from synetune_lab.constants import ST_CONFIG_JSON_FNAME_ARG, ST_INSTANCE_TYPE
from synetune_lab.engine.actions import ResumeTrial, StartTrial
from synetune_lab.engine.events import Event, TrialEnded, TrialReported
from synetune_lab.errors import BackendError

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import TrialScheduler

__all__ = ["SageMakerBackend"]

logger = logging.getLogger(__name__)

_CLOSE_PATIENCE_S: Final = 60.0
_WARM_POOL_PATIENCE_S: Final = 150.0
"""A job has two minutes to end, and only then a warm pool to give back."""


class SageMakerBackend(DocumentedSageMakerBackend):
    """Runs each trial as a training job of its own, on instances of any type.

    `st_instance_type` and `st_instance_count` in a configuration choose the instances of that
    trial. Checkpoints are kept in `{s3_path}/{tuner name}/{trial id}/`.

    Args:
        sm_estimator: What a job is: a `JobDescription`, a `CustomFramework`, an estimator of the
            SageMaker SDK 2, or a `ModelTrainer` of its release 3.
        metrics_names: Metrics that SageMaker's own console is to chart.
        s3_path: Where experiments are kept on S3; by default in SageMaker's bucket of the account.
        delete_checkpoints: See `TrialBackend`.
        pass_args_as_json: See `TrialBackend`. The file comes by a data channel.
        instance_prices: Dollars an hour of instance types, before those of the price list.
        log_settle_s: How long after the end of a job reports may still come in, in seconds; its
            end is told after it.
        log_patience_s: How long reports are held back behind one that is missing, in seconds.
        retry_s: Shortest and longest wait before a call that failed is tried again, in seconds.
        limit_retry_s: The same, where the account's quota or AWS's instances are used up.
        limit_patience_s: How long a trial waits for instances before it fails, in seconds.
        **sagemaker_fit_kwargs: Data channels: `inputs={"train": "s3://..."}`, or names with
            addresses.

    Raises:
        BackendError: If the job can't be; the message says what would do.
    """

    # The engine's side.

    def check_scheduler(self, scheduler: TrialScheduler) -> None:
        """Refuse a space whose values can't go to SageMaker.

        Raises:
            BackendError: If there is one.
        """
        space = scheduler.config_space
        check_space(space, as_json=self.pass_args_as_json)
        encode_fixed(self.job.hyperparameters)
        # Where a spot instance is taken away, it tells which reports come a second time.
        self.resource_attr = scheduler.describe().get("resource_attr")
        kinds = space.get(ST_INSTANCE_TYPE)
        self._instance_types = [] if kinds is None else values_of(kinds)
        passed = {ST_CONFIG_JSON_FNAME_ARG} if self.pass_args_as_json else set(space)
        check_count(len(passed | set(self.job.hyperparameters)) + SCRIPT_MODE_HYPERPARAMETERS)

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Look whether the account can be used, and upload the source; harmless if it was done.

        Raises:
            BackendError: If something is missing; the message says what to run.
        """
        super().open(results_root, tuner_name)
        if self._watch is None:
            self._opened()
            self._check_request()

    def adopt(self, handles: Mapping[int, tuple[int, Mapping[str, Any]]]) -> dict[int, int]:
        """Take over the jobs of a run that ended without telling them; see `TrialBackend`."""
        watch = self._opened()
        account = self._account().account
        for _, handle in handles.values():
            check_same_account(account, str(handle.get("account") or account))
        now = self.time_keeper.time_stamp()
        self._ledger.let_go(handles, now)
        alive: dict[int, int] = {}
        for trial_id, (run, handle) in handles.items():
            self._ledger.begin(trial_id, run, None, now)
            seen_run, seen = self._given.pop(trial_id, (run, 0))
            self._seen[trial_id] = seen if seen_run == run else 0
            reports = self._reports(self._seen[trial_id])
            config = self._ledger[trial_id].trial.config
            name = str(handle.get("job") or self._names().job_name(trial_id, run))
            created = float(handle.get("created") or 0.0)
            job = Job(trial_id, run, name, created, None, reports, exists=True, adopted=True)
            job.dollars_per_hour = self._price_of(config)
            if not watch.adopt(job):
                self._queue.append(TrialEnded(trial_id, run, "lost"))
            elif job.status == "InProgress":
                alive[trial_id] = run
        watch.stop_unnamed()
        return alive

    def wait_events(self, timeout: float | None) -> list[Event]:
        """Wait until a trial reports or ends, or `wake` is called. See `TrialBackend`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if not self._queue:
                self._ask_for_changes()
            now = time.monotonic()
            left = None if deadline is None else deadline - now
            if self._queue or self._woken.is_set() or (left is not None and left <= 0):
                self._woken.clear()
                return self._next_batch()
            watch = self._watch
            pause = self.sleep_time if watch is None else max(0.0, watch.due - now)
            self._woken.wait(pause if left is None else min(left, pause))

    def close(self, *, leave_running: bool = False) -> None:
        """Stop watching; end all jobs and warm pools, unless `leave_running`.

        Returns when AWS took in that they are to end, which may take a job some minutes; with warm
        pools, when they have ended, or after two and a half minutes. Jobs that could not be told
        are named in the log, as are those whose warm pool is left.
        """
        watch, self._watch = self._watch, None
        if watch is None:
            return
        if not leave_running:
            left = watch.stop_all(_CLOSE_PATIENCE_S)
            if left:
                logger.error(
                    "These jobs may still run: %s. Stop each with `aws sagemaker "
                    "stop-training-job --training-job-name NAME`",
                    ", ".join(left),
                )
            self._delete_left_over()
            if self.job.keep_alive_period_in_seconds:
                cloud = self._in_cloud()
                prefix, pause_s = cloud.paths.prefix, self.retry_s[0]
                give_back_warm_pools(cloud.aws, prefix, _WARM_POOL_PATIENCE_S, pause_s)

    def log_tail(self, trial_id: int, lines: int = 50) -> dict[str, list[str]]:
        """The last lines of a trial's log, without line breaks; from any thread.

        SageMaker keeps one log for both outputs: `stdout` is all of it, `stderr` what is no report.
        """
        if lines <= 0 or trial_id not in self._ledger or self._cloud is None:
            return {"stdout": [], "stderr": []}
        try:
            names = self._job_names(trial_id)
            log = read_streams(self._cloud.aws, names, 2 * lines, with_attempts=True)
        except AwsError as error:
            return {"stdout": [], "stderr": [f"(the log can't be read now: {error})"]}
        return {"stdout": log[-lines:], "stderr": without_reports(log)[-lines:]}

    # How jobs are started and ended.

    def _launch_now(self, action: StartTrial | ResumeTrial) -> None:
        if isinstance(action, StartTrial) and action.checkpoint_trial_id is not None:
            # Copied once AWS can be reached, which may have to be tried again.
            self._copy_from = action.checkpoint_trial_id
            action = replace(action, checkpoint_trial_id=None)
        try:
            super()._launch_now(action)
        finally:
            self._copy_from = None

    def _launch(self, trial_id: int, run: int, config: dict[str, Any]) -> Mapping[str, Any]:
        watch, cloud = self._opened(), self._in_cloud()
        name = cloud.paths.job_name(trial_id, run)
        job, as_json = self.job, self.pass_args_as_json
        if not as_json:
            check_space(config, as_json=False)
        instances_of(job, config)

        if self._copy_from is not None:
            self._copies[trial_id] = self._copy_from

        made: dict[str, dict[str, Any]] = {}

        def begin(name: str) -> dict[str, Any]:
            # Once: later the other trial may have come further, or have lost its checkpoint.
            if trial_id in self._copies:
                self.copy_checkpoint(self._copies[trial_id], trial_id)
                del self._copies[trial_id]
            if name not in made:
                place = cloud.place(job, trial_id, name, config if as_json else None)
                made[name] = training_job_request(
                    job, config, place, self.metrics_names, self.instance_prices
                )
            return made[name]

        self._to_delete.discard(trial_id)
        self._seen[trial_id] = 0
        self._marks.pop(trial_id, None)
        started = Job(trial_id, run, name, time.time(), begin, self._reports(0))
        started.dollars_per_hour = self._price_of(config)
        watch.start(started)
        if started.error is not None:
            raise BackendError(started.error)
        return {"job": name, "created": started.created, "account": self._account_id}

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._opened().end(trial_id, "pause")

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._opened().end(trial_id, "stop")

    def _ask_for_changes(self) -> None:
        watch = self._watch
        if watch is None or time.monotonic() < watch.due:
            return
        if self._to_delete:
            self._delete_left_over()
        for event, mark in watch.cycle(self.sleep_time):
            if isinstance(event, TrialEnded):
                event = self._with_cause(event)  # noqa: PLW2901 - the same end, as it is told
            else:
                self._marks.setdefault(event.trial_id, deque()).append(mark)
            self._queue.append(event)

    def _with_cause(self, event: TrialEnded) -> TrialEnded:
        """An end that was asked for is told as such."""
        entry = self._ledger[event.trial_id]
        # The flag of a pause or stop from outside a session is the status alone.
        asked = entry.request or {"Pausing": "pause", "Stopping": "stop"}.get(entry.status)
        if asked is None:
            return event
        return replace(event, cause="paused" if asked == "pause" else "stopped")

    def _next_batch(self) -> list[Event]:
        batch = super()._next_batch()
        for event in batch:
            if isinstance(event, TrialReported):
                self._seen[event.trial_id] = self._marks[event.trial_id].popleft()
        return batch

    def _after_end(self, event: TrialEnded) -> TrialEnded:
        event = super()._after_end(self._with_cause(event))
        if event.cause not in ("paused", "lost"):  # those go on, perhaps before they ever began
            self._copies.pop(event.trial_id, None)
        return event

    def _reports(self, delivered: int) -> JobReports:
        return JobReports(delivered, self.log_patience_s, self.resource_attr)

    def _check_request(self) -> None:
        """Compare what trials are going to ask for with what boto3 knows of the service."""
        cloud = self._in_cloud()
        place = cloud.place(self.job, 0, cloud.paths.job_name(0, 0), None)
        request = training_job_request(
            self.job, {}, place, self.metrics_names, self.instance_prices
        )
        model = cloud.aws.client("sagemaker").meta.service_model
        check_request(request, model)
        check_types(self._instance_types, model)

    def _opened(self) -> Watch:
        if self._watch is None:
            cloud = self._in_cloud()
            board = JobBoard(
                cloud.aws,
                cloud.paths.prefix,
                self.retry_s,
                self.limit_retry_s,
                self.limit_patience_s,
            )
            backoff = Backoff(*self.retry_s)
            self._watch = Watch(cloud, board, backoff, self.log_settle_s)
        return self._watch

    def _price_of(self, config: Mapping[str, Any]) -> float | None:
        """Dollars an hour of all instances of a trial."""
        kind, count = instances_of(self.job, config)
        price = InstanceInfos().dollars_per_hour(kind, self.instance_prices)
        return None if price is None else price * count
