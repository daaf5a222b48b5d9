"""Sends a tuner to SageMaker: the whole tuning becomes one training job."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
import types
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synetune_lab.backend.local_backend import LocalBackend
from synetune_lab.backend.python_backend.python_backend import PythonBackend
from synetune_lab.backend.sagemaker_backend.aws import Aws
from synetune_lab.backend.sagemaker_backend.cloud import Cloud, Paths
from synetune_lab.backend.sagemaker_backend.description import JobDescription
from synetune_lab.backend.sagemaker_backend.names import new_token, parse_s3_uri
from synetune_lab.backend.sagemaker_backend.sagemaker_backend import SageMakerBackend
from synetune_lab.constants import MAX_METRICS_SUPPORTED_BY_SAGEMAKER
from synetune_lab.errors import BackendError, CommandRefused
from synetune_lab.remote.account import experiments_uri
from synetune_lab.remote.constants import DEFAULT_CPU_INSTANCE
from synetune_lab.remote.images import default_image_uri, syne_tune_image_uri
from synetune_lab.remote.launch import create_job, write_first_files
from synetune_lab.remote.launch_checks import (
    check_arguments,
    check_modules,
    check_python,
    check_tuner,
    checked_options,
)
from synetune_lab.remote.link import link_uri, result_uri
from synetune_lab.remote.note import RemoteNote
from synetune_lab.remote.remote_metrics_callback import RemoteTuningMetricsCallback
from synetune_lab.remote.remote_run import RemoteRun
from synetune_lab.remote.settings import LaunchSettings
from synetune_lab.remote.upload import PROGRAM, write_upload
from synetune_lab.store.lock import RunLock
from synetune_lab.store.pickling import dumps, loads
from synetune_lab.util import metric_name_mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synetune_lab.tuner import Tuner

__all__ = ["RemoteLauncher", "syne_tune_image_uri"]

logger = logging.getLogger(__name__)

_DAY_S: Final = 24 * 3600
_LONGEST_RUN_S: Final = 5 * _DAY_S
_MARGIN_S: Final = 3600
_STARTED: Final = ("Completed", "Failed", "InProgress", "Stopped", "Stopping")


class RemoteLauncher:
    """Runs a tuner as a SageMaker job.

    With a local backend the trials run on the job's instance; with a SageMaker backend each is a
    job of its own, and the tuner needs but a small instance. The tuner and its training script are
    sent along, also what is imported beside that script, `requirements.txt`, and this library. The
    run is saved to S3 as it goes; a spot instance that is taken away loses no result.

    Args:
        tuner: The tuner, not running. `stop_criterion` should be a `StoppingCriterion`.
        role: Name or ARN of the role that the job has; None takes the environment variable
            `AWS_ROLE`, else SageMaker's own role of the account.
        instance_type: Where the tuning happens.
        dependencies: Folders that the training script (or the tuner) imports.
        store_logs_localbackend: Whether logs and checkpoints of trials on the job's instance are
            kept on S3. It may be much.
        log_level: Level of the job's log, default INFO.
        s3_path: Where experiments are kept on S3, default the account's own bucket for SageMaker.
            Results are in `{s3_path}/{tuner_name}/`.
        no_tuner_logging: Whether the tuner logs errors only.
        publish_tuning_metrics: Whether SageMaker's console charts the best so far. Appends a
            `RemoteTuningMetricsCallback` to the tuner's callbacks.
        **estimator_kwargs: Further fields of a `JobDescription`: `image_uri` (default: the image of
            AWS for PyTorch that has this Python), `source_dir` (the folder that holds the training
            script, sent as a whole), `max_run`, `use_spot_instances`, `inputs`, `tags`, `subnets`,
            `environment`, `region`, `profile`, ...

    Raises:
        ValueError: If an argument is not possible.
        BackendError: If such a tuner can't be sent.
    """

    def __init__(
        self,
        tuner: Tuner,
        role: str | None = None,
        instance_type: str = DEFAULT_CPU_INSTANCE,
        dependencies: Sequence[str] | None = None,
        store_logs_localbackend: bool = False,
        log_level: int | None = None,
        s3_path: str | None = None,
        no_tuner_logging: bool = False,
        publish_tuning_metrics: bool = True,
        **estimator_kwargs: Any,
    ) -> None:
        check_tuner(tuner)
        if s3_path is not None:
            parse_s3_uri(s3_path, "s3_path")
        self.tuner = tuner
        self.role = role
        self.instance_type = instance_type
        check_arguments(instance_type, dependencies, store_logs_localbackend, log_level)
        self.dependencies = [str(folder) for folder in dependencies or ()]
        self.store_logs_localbackend = store_logs_localbackend
        self.log_level = logging.INFO if log_level is None else log_level
        self.s3_path = None if s3_path is None else s3_path.rstrip("/")
        self.no_tuner_logging = no_tuner_logging
        self.interval_s = 2.0
        self._launch = ""
        self._options = checked_options(estimator_kwargs)
        self._source_dir = self._options.pop("source_dir", None)
        self._requirements = self._options.pop("requirements", None)
        self._ignored = list(self._options.pop("ignore_patterns", ()))
        self._account = _account_of(tuner, self._options)
        self._folder = Path(tempfile.mkdtemp(prefix="synetune-lab-launch-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._metrics: RemoteTuningMetricsCallback | None = None
        for folder in self.dependencies:
            if not Path(folder).expanduser().exists():
                raise BackendError(f"dependencies: there is no file or folder {folder!r}")
        if self.is_lambda(tuner.stop_criterion):
            logger.warning(
                "stop_criterion is a lambda function: it can be sent, but not shown or changed "
                "from the panel; StoppingCriterion(...) can"
            )
        if publish_tuning_metrics:
            known = [c for c in tuner.callbacks if isinstance(c, RemoteTuningMetricsCallback)]
            self._metrics = known[0] if known else _metrics_callback(tuner)
            if not known:
                tuner.callbacks.append(self._metrics)

    @staticmethod
    def is_lambda(f: Any) -> bool:
        """Whether `f` is a lambda function."""
        return isinstance(f, types.FunctionType) and f.__name__ == "<lambda>"

    # -- launching ------------------------------------------------------------------------------

    def run(self, wait: bool = True, progress: bool | None = None) -> RemoteRun:
        """Send the tuner and start the job.

        Args:
            wait: Whether to wait until it has ended, with progress as `Tuner.run` shows it. An
                interrupt ends the waiting, not the job.
            progress: As for `Tuner.run`.

        Returns:
            The run: it shows the panel as the last line of a cell, and has the methods of a tuner.

        Raises:
            BackendError: If the account can't be used, or the job can't be made; the message says
                what to do, and nothing runs. Also if the run was waited for, and has failed.
            StoreError: If the tuner can't be saved.
            ResumeError: If a job, or another process here, drives the run.
        """
        run = self.launch_tuning_job_on_sagemaker(wait=False)
        if wait:
            run.wait(progress=progress)
            if run.note.state == "failed":
                raise BackendError(
                    f"run {run.name!r} failed: {run.note.why}. What it did is in {run.path}; "
                    f"RemoteRun.attach({run.name!r}).log() shows the job's log"
                )
        return run

    def launch_tuning_job_on_sagemaker(self, wait: bool) -> RemoteRun:
        """Check the account, send the tuner, start the job; see `run`."""
        if self.tuner.is_running:
            raise CommandRefused(f"run {self.tuner.name!r} is running here: stop it first")
        RunLock(Path(self.tuner.tuner_path)).refuse_if_driven()
        self._launch = new_token()
        job = self._description_for_account()
        aws = Aws(job.region, job.profile)
        base = experiments_uri(aws, self.s3_path, make=True)
        name = self.tuner.name
        link = link_uri(base, name)
        tuner = self._tuner_for_job(aws)
        program = self._write_upload(tuner)
        self._write_settings(link, program, job.max_run)
        # Source and other things of the job lie below the link, apart from the results.
        cloud = Cloud(aws, job, Paths(name, new_token(), link.rpartition("/")[0]))
        note = RemoteNote(
            name=name,
            job_name=name,
            region=cloud.region,
            result_uri=result_uri(base, name),
            link_uri=link,
            launched_at=time.time(),
            launch=self._launch,
            profile=job.profile,
            entry_point=None if program is None else str(self._script()),
            keeps_logs=self.store_logs_localbackend,
        )
        path = Path(self.tuner.tuner_path)
        note = create_job(cloud, job, note, path)
        write_first_files(self.tuner)
        run = RemoteRun(note, path, aws, is_new=True)
        logger.info("run %s is on SageMaker as %s: %s", name, note.job_name, run.console_url)
        if wait:
            run.wait()
        return run

    def _description_for_account(self) -> JobDescription:
        """The job that runs the tuner, with what is known before anything is sent."""
        options = {**self._options, **self._account}
        image = options.pop("image_uri", None)
        if image is None:
            region = Aws(options.get("region"), options.get("profile")).region
            image = default_image_uri(region, self.instance_type)
        check_python(image, self.tuner)
        stub = self.upload_dir() / PROGRAM
        self.upload_dir().mkdir(parents=True, exist_ok=True)
        stub.touch()
        job = JobDescription(
            entry_point=PROGRAM,
            source_dir=str(self.upload_dir()),
            image_uri=image,
            instance_type=self.instance_type,
            role=self.role,
            dependencies=self.dependencies,
            **{"max_run": self._seconds(), **options},
        )
        if job.use_spot_instances and job.max_wait is None:
            # Waiting for capacity is not to be taken from the time to tune.
            job = replace(job, max_wait=job.max_run + _DAY_S)
        if self._metrics is not None:
            job = self._metrics.register_metrics_with_estimator(job)
        return job

    def _seconds(self) -> int:
        """How long the job may run: as the tuner says, and a bit more to start and to save."""
        limit = getattr(self.tuner.stop_criterion, "max_wallclock_time", None)
        if limit is None:
            return _LONGEST_RUN_S
        wanted = int(1.05 * limit) + _MARGIN_S
        if wanted > _LONGEST_RUN_S:
            logger.warning(
                "max_wallclock_time is %.0f s; the job may run %d s, which is the longest that "
                "SageMaker gives without a higher quota. With one, pass max_run",
                limit,
                _LONGEST_RUN_S,
            )
        return min(wanted, _LONGEST_RUN_S)

    # -- what is sent ---------------------------------------------------------------------------

    def upload_dir(self) -> Path:
        """The folder whose content is sent."""
        return self._folder / "source"

    def remote_script_dir(self) -> Path:
        """Where it lies in the job."""
        return Path("/opt/ml/code")

    def is_source_dir_specified(self) -> bool:
        """Whether the folder of the training script is sent as a whole."""
        return self._source_dir is not None

    def get_source_dir(self) -> Path:
        """The folder of the training script."""
        return Path(self._source_dir or self._script().parent).expanduser().resolve()

    def prepare_upload(self) -> None:
        """Fill `upload_dir()` with the tuner, its training script and what they need."""
        self._write_upload(self._tuner_for_job(None))

    def update_backend_with_remote_paths(self) -> None:
        """Nothing to do: the job gives its own tuner the paths; this one stays as it is."""

    def clean_requirements_file(self) -> None:
        """Remove the file of requirements that was made for the job; yours is not touched."""
        (self.upload_dir() / "requirements.txt").unlink(missing_ok=True)

    def _script(self) -> Path:
        return Path(self.tuner.trial_backend.entrypoint_path()).expanduser().resolve()

    def _sends_script(self) -> bool:
        backend = self.tuner.trial_backend
        return isinstance(backend, LocalBackend) and not isinstance(backend, PythonBackend)

    def _tuner_for_job(self, aws: Aws | None) -> Tuner:
        """A copy of the tuner whose backend needs nothing of this machine."""
        tuner: Tuner = loads(dumps(self.tuner))
        backend = tuner.trial_backend
        if isinstance(backend, SageMakerBackend) and aws is not None:
            _send_source(backend, aws, self.tuner.name, self.s3_path)
        return tuner

    def _write_upload(self, tuner: Tuner) -> str | None:
        folder = self.upload_dir()
        shutil.rmtree(folder, ignore_errors=True)
        script = self._script() if self._sends_script() else None
        source = self.get_source_dir() if self.is_source_dir_specified() else None
        if source is not None and script is not None and not script.is_relative_to(source):
            raise BackendError(f"the training script {script} is not below source_dir {source}")
        beside = source or (None if script is None else script.parent)
        check_modules(tuner, [*self.dependencies, *([] if beside is None else [beside])])
        return write_upload(tuner, folder, source, script, self._ignored, self._requirements)

    def _write_settings(self, link: str, program: str | None, max_run: int) -> None:
        LaunchSettings(
            name=self.tuner.name,
            launch=self._launch,
            link_uri=link,
            python=sys.version_info[:2],
            entry_point=program,
            store_logs=self.store_logs_localbackend,
            log_level=self.log_level,
            quiet=self.no_tuner_logging,
            interval_s=self.interval_s,
            max_run=max_run,
            first_commands=list(self.tuner._first_commands),
        ).write(self.upload_dir())


def _metrics_callback(tuner: Tuner) -> RemoteTuningMetricsCallback:
    scheduler = tuner.scheduler
    name, mode = metric_name_mode(scheduler.metric_names(), scheduler.metric_mode(), 0)
    described = scheduler.describe()
    callback = RemoteTuningMetricsCallback(
        name, mode, scheduler.config_space, described.get("resource_attr")
    )
    count = len(callback.get_metric_names(scheduler.config_space, described.get("resource_attr")))
    if count >= MAX_METRICS_SUPPORTED_BY_SAGEMAKER:
        logger.info("SageMaker charts the first %d metrics of the best trial", count)
    return callback


def _account_of(tuner: Tuner, options: dict[str, Any]) -> dict[str, Any]:
    """Region and profile of the launch: as given, else those of the trials' jobs.

    Raises:
        BackendError: If trials are to run in another region.
    """
    account = {name: options.pop(name, None) for name in ("region", "profile")}
    backend = tuner.trial_backend
    if isinstance(backend, SageMakerBackend):
        theirs = backend.job.region
        if account["region"] is not None and theirs not in (None, account["region"]):
            raise BackendError(
                f"region is {account['region']!r}, and the trials' jobs are in {theirs!r}; "
                "a tuner runs in the region of its trials"
            )
        account["region"] = account["region"] or theirs
        account["profile"] = account["profile"] or backend.job.profile
    return account


def _send_source(backend: SageMakerBackend, aws: Aws, name: str, s3_path: str | None) -> None:
    """Put the source of the trials on S3, and have the backend take it from there."""
    base = experiments_uri(aws, backend.s3_path or s3_path)
    job = backend.job
    cloud = Cloud(aws, job, Paths(name, new_token(), link_uri(base, name).rpartition("/")[0]))
    uri, program = cloud.source(job)
    backend.job = replace(
        job,
        source_dir=uri,
        entry_point=program,
        dependencies=(),
        requirements=None,
        role=cloud.role_arn,
        region=cloud.region,
        profile=None,
    )
    backend.s3_path = base
    backend.local_path = None
