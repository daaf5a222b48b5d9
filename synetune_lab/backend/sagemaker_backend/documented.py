"""State of the SageMaker backend, and its documented methods: what a user calls."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.event_backend import EventBackend
from synetune_lab.backend.sagemaker_backend.aws import Aws, has_own_keys
from synetune_lab.backend.sagemaker_backend.cloud import Cloud, Paths, read_token
from synetune_lab.backend.sagemaker_backend.logs import read_streams
from synetune_lab.backend.sagemaker_backend.names import parse_s3_uri
from synetune_lab.backend.sagemaker_backend.request import check_metrics
from synetune_lab.backend.sagemaker_backend.settings import (
    check_prices,
    check_seconds,
    check_waits,
)
from synetune_lab.backend.sagemaker_backend.translation import (
    as_description,
    boto_session_of,
    channels,
)
from synetune_lab.constants import TRIAL_CHECKPOINTS_DIRNAME
from synetune_lab.errors import BackendError
from synetune_lab.report import parse_report

if TYPE_CHECKING:
    from synetune_lab.backend.sagemaker_backend.watch import Watch

__all__ = ["DocumentedSageMakerBackend", "without_reports"]

logger = logging.getLogger(__name__)


class DocumentedSageMakerBackend(EventBackend):
    """See `SageMakerBackend`, which adds the engine's side."""

    def __init__(
        self,
        sm_estimator: Any,
        metrics_names: Sequence[str] | None = None,
        s3_path: str | None = None,
        delete_checkpoints: bool = False,
        pass_args_as_json: bool = False,
        *,
        instance_prices: Mapping[str, float] | None = None,
        log_settle_s: float = 10.0,
        log_patience_s: float = 60.0,
        retry_s: tuple[float, float] = (1.0, 60.0),
        limit_retry_s: tuple[float, float] = (30.0, 300.0),
        limit_patience_s: float = 6 * 3600.0,
        **sagemaker_fit_kwargs: Any,
    ) -> None:
        super().__init__(delete_checkpoints, pass_args_as_json)
        job = as_description(sm_estimator)
        inputs, extra = channels(sagemaker_fit_kwargs)
        self.job = replace(job, inputs={**job.inputs, **inputs}, extra={**job.extra, **extra})
        self.sm_estimator: Any = sm_estimator
        check_metrics(self.job, metrics_names or ())
        self.metrics_names = list(metrics_names or [])
        if s3_path is not None:
            parse_s3_uri(s3_path, "s3_path")
        self.s3_path = s3_path
        self.instance_prices = check_prices(instance_prices or {})
        self.log_settle_s = check_seconds("log_settle_s", log_settle_s)
        self.log_patience_s = check_seconds("log_patience_s", log_patience_s)
        self.retry_s = check_waits("retry_s", retry_s)
        self.limit_retry_s = check_waits("limit_retry_s", limit_retry_s)
        self.limit_patience_s = check_seconds("limit_patience_s", limit_patience_s)
        self.resource_attr: str | None = None
        self._instance_types: list[str] = []
        self.local_path: Path | None = None
        self._paths: Paths | None = None
        self._copy_from: int | None = None
        self._copies: dict[int, int] = {}
        self._account_id: str | None = None
        self._had_own_keys = False
        self._to_delete: set[int] = set()
        self._aws: Aws | None = None
        self._cloud: Cloud | None = None
        self._watch: Watch | None = None
        self._marks: dict[int, deque[int]] = {}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # Clients can't be pickled; jobs are found again by their names, see `adopt`.
        fresh: dict[str, Any] = {"_aws": None, "_cloud": None, "_watch": None, "_marks": {}}
        return {**state, **fresh, "sm_estimator": None}

    # Documented methods.

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Name the experiment; needed before the first trial.

        Args:
            results_root: Folder on this machine, for copies of checkpoints that are asked for.
            tuner_name: Name of the experiment, used for jobs and on S3.
        """
        if results_root is not None:
            self.local_path = Path(results_root).expanduser()
        name = tuner_name or self.job.base_job_name
        if name is None:
            return
        known = self._paths
        is_same = known is not None and known.tuner_name == name and len(self._ledger) > 0
        token = read_token(self.local_path, name, known.token if known and is_same else None)
        if known is not None and (known.tuner_name, known.token) == (name, token):
            return
        self._paths = Paths(name, token, self.s3_path)
        self._cloud = None

    @property
    def sm_client(self) -> Any:
        """The boto3 client of SageMaker."""
        return self._account().client("sagemaker")

    @property
    def source_dir(self) -> str | None:
        """The source folder of the jobs."""
        return self.job.source_dir

    @property
    def api_calls(self) -> dict[str, int]:
        """How often each operation of AWS was called, since the backend was opened."""
        return {} if self._aws is None else dict(self._aws.calls)

    @property
    def job_prefix(self) -> str | None:
        """Names of the trials' jobs begin with this; None as long as the experiment has no name."""
        return None if self._paths is None else f"{self._paths.prefix}-"

    def add_metric_definitions_to_sagemaker_estimator(self, metrics_names: Sequence[str]) -> None:
        """Have SageMaker's console chart more metrics."""
        names = [*self.metrics_names, *(n for n in metrics_names if n not in self.metrics_names)]
        check_metrics(self.job, names)
        self.metrics_names = names

    def initialize_sagemaker_session(self) -> None:
        """Make new clients at the next call, for example after credentials were renewed."""
        if self._aws is not None:
            self._aws.forget()

    def entrypoint_path(self) -> Path:
        """The training script."""
        return self.job.script

    def set_entrypoint(self, entry_point: str) -> None:
        """Replace the training script, for trials that start from now on.

        Raises:
            BackendError: If there is no such file.
        """
        self.job = self.job.with_script(entry_point)

    def checkpoint_s3_uri(self, trial_id: int) -> str:
        """Folder of a trial's checkpoints on S3."""
        return self._in_cloud().paths.checkpoints(trial_id)

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        """A copy of a trial's checkpoints on this machine.

        What is new on S3 is downloaded by each call, so do not call it for nothing; the address on
        S3 is `checkpoint_s3_uri`.

        Raises:
            BackendError: If S3 can't be reached.
        """
        if self.local_path is None:
            raise BackendError("set_path(results_root=...) says where copies are kept; call it")
        folder = self.local_path / str(trial_id) / TRIAL_CHECKPOINTS_DIRNAME
        cloud = self._in_cloud()
        cloud.store.mirror(cloud.paths.checkpoints(trial_id), folder)
        return folder

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """Copy the checkpoint of a trial to another one, on S3; nothing happens if it has none."""
        cloud = self._in_cloud()
        paths = cloud.paths
        cloud.store.copy_folder(paths.checkpoints(src_trial_id), paths.checkpoints(tgt_trial_id))

    def delete_checkpoint(self, trial_id: int) -> None:
        """Remove the checkpoint of a trial; harmless if it has none."""
        self._to_delete.add(trial_id)
        self._delete_left_over()

    def stdout(self, trial_id: int) -> list[str]:
        """Lines of the trial's log: SageMaker keeps one for both outputs."""
        self._ledger[trial_id]
        log = read_streams(self._in_cloud().aws, self._job_names(trial_id), with_attempts=True)
        return [f"{line}\n" for line in log]

    def stderr(self, trial_id: int) -> list[str]:
        """Lines of the trial's log that are no reports."""
        return without_reports(self.stdout(trial_id))

    def _delete_left_over(self) -> None:
        """Delete checkpoints; those that can't be deleted now are left for later."""
        # What is still to be copied to another trial has to wait.
        for trial_id in sorted(self._to_delete - set(self._copies.values())):
            try:
                cloud = self._in_cloud()
                cloud.store.delete_folder(cloud.paths.checkpoints(trial_id))
                if self.local_path is not None:
                    folder = self.local_path / str(trial_id) / TRIAL_CHECKPOINTS_DIRNAME
                    cloud.store.forget_mirror(folder)
            except BackendError as error:
                logger.warning("The checkpoint of trial %d is not deleted yet: %s", trial_id, error)
                return
            self._to_delete.discard(trial_id)

    def _job_names(self, trial_id: int) -> list[str]:
        runs = range(self._ledger[trial_id].run + 1)
        return [self._names().job_name(trial_id, run) for run in runs]

    def _names(self) -> Paths:
        if self._paths is None:
            raise BackendError("the experiment has no name: call set_path(tuner_name=...) first")
        return self._paths

    def _account(self) -> Aws:
        if self._aws is None:
            session = boto_session_of(self.sm_estimator)
            if session is not None:
                self._had_own_keys = self.job.profile is None and has_own_keys(session)
            elif self._had_own_keys:
                logger.warning(
                    "The boto3 session of the estimator held keys of its own, which are not saved "
                    "with a run: now the credentials that boto3 finds are used (profile "
                    "'default', or AWS_PROFILE)"
                )
            self._aws = Aws(self.job.region, self.job.profile, session, self._account_id)
        return self._aws

    def _in_cloud(self) -> Cloud:
        if self._cloud is None:
            aws = self._account()
            self._cloud = Cloud(aws, self.job, self._names(), watches_logs=True)
            self._account_id = aws.account
        return self._cloud


def without_reports(lines: list[str]) -> list[str]:
    """The lines of a log that are no reports."""
    return [line for line in lines if parse_report(line) is None]
