"""Runs each trial as a process of this machine, in a session of its own.

A trial writes its logs itself and does not need us: it outlives an interrupt and the death of the
notebook's kernel, and can be adopted later. Everything happens in the thread that calls
`wait_events`, which sleeps until the system tells it of a write, an end, or a wake-up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from synetune_lab.backend.event_backend import EventBackend
from synetune_lab.backend.local.checkpoints import copy_folder
from synetune_lab.backend.local.folder import Request, TrialFolder, command_line_arguments
from synetune_lab.backend.local.gpus import GpuAssigner, usable_gpus
from synetune_lab.backend.local.identity import ProcessHandle
from synetune_lab.backend.local.log_cap import LogCap
from synetune_lab.backend.local.log_tail import ReportTail, last_lines, read_lines
from synetune_lab.backend.local.process import entry_command, spawn, trial_environment
from synetune_lab.backend.local.stragglers import find_orphans
from synetune_lab.backend.local.supervisor import Supervisor
from synetune_lab.backend.local.trial_run import TrialRun
from synetune_lab.constants import (
    ST_CHECKPOINT_DIR,
    ST_CONFIG_JSON_FNAME_ARG,
    ST_DATETIME_FORMAT,
    SYNE_TUNE_DEFAULT_FOLDER,
    SYNE_TUNE_ENV_FOLDER,
)
from synetune_lab.engine.events import Event, TrialEnded
from synetune_lab.errors import BackendError

__all__ = ["LocalBackend"]


class LocalBackend(EventBackend):
    """Runs trials as processes of this machine.

    Trials share the machine as they like: only GPUs are given out.

    Args:
        entry_point: Training script. One that ends in `.py` is run by this Python interpreter,
            others must be executable. Trials run in the folder that is the current one when they
            start.
        delete_checkpoints: See `TrialBackend`.
        pass_args_as_json: See `TrialBackend`.
        rotate_gpus: Give each trial the GPUs that are least busy, through `CUDA_VISIBLE_DEVICES`.
            Otherwise each sees all of them.
        num_gpus_per_trial: How many GPUs a trial gets.
        gpus_to_use: Which GPUs to give out, by number; by default all.
        grace_period_s: Seconds that a trial has to write its checkpoint, from being told that it is
            to pause or stop until it is killed. Scripts that don't ask end at once.
        env: Added to the environment of each trial.
        max_log_bytes: A log that is larger than this loses its middle: what is old is freed on
            disk. None for no limit. Needs Linux and a file system with holes; elsewhere logs are
            not limited.

    Raises:
        BackendError: If there is no such script, or an argument is out of range.
    """

    def __init__(
        self,
        entry_point: str | os.PathLike[str],
        delete_checkpoints: bool = False,
        pass_args_as_json: bool = False,
        rotate_gpus: bool = True,
        num_gpus_per_trial: int = 1,
        gpus_to_use: Sequence[int] | None = None,
        *,
        grace_period_s: float = 10.0,
        env: Mapping[str, str] | None = None,
        max_log_bytes: int | None = 256 * 2**20,
    ) -> None:
        super().__init__(delete_checkpoints, pass_args_as_json)
        if num_gpus_per_trial < 1:
            raise BackendError(f"num_gpus_per_trial is {num_gpus_per_trial}; use at least 1")
        if not grace_period_s >= 0:
            raise BackendError(f"grace_period_s is {grace_period_s}; use at least 0 seconds")
        if max_log_bytes is not None and max_log_bytes < 2**20:
            raise BackendError(f"max_log_bytes is {max_log_bytes}; use at least {2**20}, or None")
        self.set_entrypoint(entry_point)
        self.rotate_gpus = rotate_gpus
        self.num_gpus_per_trial = num_gpus_per_trial
        self.gpus_to_use = None if gpus_to_use is None else list(gpus_to_use)
        self.grace_period_s = grace_period_s
        self.env = dict(env or {})
        self.max_log_bytes = max_log_bytes
        self.local_path: Path | None = None
        self._supervisor: Supervisor | None = None
        self._gpus: GpuAssigner | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        # Processes are found again by their handles, see `adopt`.
        fresh: dict[str, Any] = {"_supervisor": None, "_gpus": None}
        return {**state, **fresh}

    # The engine's side.

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Get ready to run trials below `results_root`; harmless if it is already.

        Raises:
            BackendError: If the GPUs that were asked for are not there.
        """
        super().open(results_root, tuner_name)
        self._opened()

    def adopt(self, handles: Mapping[int, tuple[int, Mapping[str, Any]]]) -> dict[int, int]:
        """Take over the trials of a run that ended without telling them; see `TrialBackend`."""
        supervisor = self._opened()
        self._ledger.let_go(handles, self.time_keeper.time_stamp())
        alive: dict[int, int] = {}
        known: list[ProcessHandle] = []
        for trial_id, (run, handle) in handles.items():
            found = self._adopt_one(trial_id, run, handle)
            if found is not None and not found.has_ended and found.process is not None:
                alive[trial_id] = run
                known.append(found.process)
        for leader in find_orphans(self._root(), known):
            supervisor.end_session(leader)
        return alive

    def _adopt_one(self, trial_id: int, run: int, handle: Mapping[str, Any]) -> TrialRun | None:
        self._ledger.begin(trial_id, run, None, self.time_keeper.time_stamp())
        folder = TrialFolder(self.trial_path(trial_id))
        noted = folder.read_process()
        if not handle and noted is not None and noted[0] == run:
            # It was started, but the one who did was gone before it could tell.
            handle = noted[1]
        seen_run, seen = self._given.pop(trial_id, (run, 0))
        start = int(handle.get("offset", 0))
        offset = max(seen, start) if seen_run == run else start
        try:
            tail = ReportTail(folder.stdout, offset)
        except OSError:
            self._queue.append(TrialEnded(trial_id, run, "lost"))
            return None
        process = ProcessHandle.from_json(handle)
        found = TrialRun(trial_id, run, folder, process, tail, LogCap(self.max_log_bytes))
        found.has_ended = process is None or not process.is_alive()
        self._assigner().acquire(trial_id, handle.get("gpus", []))
        self._opened().add(found)
        request = folder.request() if noted is None or noted[0] == run else None
        if request is not None:
            self._opened().ask(found, request, found=True)
        return found

    def wait_events(self, timeout: float | None) -> list[Event]:
        """Wait until a trial reports or ends, or `wake` is called. See `TrialBackend`."""
        supervisor = self._opened()
        events = self._next_batch()
        news = supervisor.wait(0.0 if events else timeout)
        return events + [self._after_end(e) if isinstance(e, TrialEnded) else e for e in news]

    def _after_end(self, event: TrialEnded) -> TrialEnded:
        self._assigner().release(event.trial_id)
        return super()._after_end(event)

    def wake(self) -> None:
        """Let `wait_events` return; from any thread."""
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.wake()

    def close(self, *, leave_running: bool = False) -> None:
        """Stop watching; end all trials, waiting for them, unless `leave_running`.

        They are asked to pause: whoever resumes the experiment goes on from their checkpoints.
        """
        supervisor = self._supervisor
        if supervisor is None:
            return
        try:
            if not leave_running:
                for run in supervisor.runs():
                    if run.request is None:
                        supervisor.ask(run, "pause")
                while len(supervisor):
                    self.wait_events(None)
        finally:
            self._supervisor = None
            supervisor.close()

    def delivered(self, trial_id: int) -> int:
        """Offset in the trial's `std.out` up to which all reports were delivered, in bytes."""
        run = None if self._supervisor is None else self._supervisor.get(trial_id)
        return super().delivered(trial_id) if run is None else run.tail.delivered

    def log_tail(self, trial_id: int, lines: int = 50) -> dict[str, list[str]]:
        """The last lines of a trial's logs, without line breaks; from any thread."""
        folder = TrialFolder(self.trial_path(trial_id))
        return {
            "stdout": last_lines(folder.stdout, lines),
            "stderr": last_lines(folder.stderr, lines),
        }

    # Documented methods.

    def trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's files."""
        return self._root() / str(trial_id)

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's checkpoints; the script makes it."""
        return TrialFolder(self.trial_path(trial_id)).checkpoints

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Where trials keep their files: `{results_root}/{trial_id}`.

        Args:
            results_root: Folder of the experiment. By default one with the tuner's name below the
                folder of all experiments.
            tuner_name: Name of the experiment.
        """
        if results_root is not None:
            self.local_path = Path(results_root).expanduser()
            return
        base = os.environ.get(SYNE_TUNE_ENV_FOLDER) or f"~/{SYNE_TUNE_DEFAULT_FOLDER}"
        name = tuner_name or f"local-backend-{datetime.now():{ST_DATETIME_FORMAT}-%f}"
        self.local_path = Path(base).expanduser() / name

    def entrypoint_path(self) -> Path:
        """The training script."""
        return self._entry_point

    def set_entrypoint(self, entry_point: str | os.PathLike[str]) -> None:
        """Replace the training script, for trials that start from now on.

        Raises:
            BackendError: If there is no such file, or it can't be run.
        """
        path = Path(entry_point).expanduser()
        if not path.is_file():
            raise BackendError(
                f"entry_point {str(entry_point)!r} is not a file (looked in {Path.cwd()}); give "
                "the path of a training script"
            )
        if path.suffix != ".py" and not os.access(path, os.X_OK):
            raise BackendError(
                f"entry_point {str(entry_point)!r} is neither a .py file nor executable; make it "
                "executable with chmod +x"
            )
        self._entry_point = path
        self._entry_folder = Path.cwd()

    def copy_checkpoint(self, src_trial_id: int, tgt_trial_id: int) -> None:
        """Copy the checkpoint folder of a trial to another one; nothing happens if it has none.

        Raises:
            BackendError: If it can't be read or written.
        """
        target = self.checkpoint_trial_path(tgt_trial_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_folder(self.checkpoint_trial_path(src_trial_id), target)

    def delete_checkpoint(self, trial_id: int) -> None:
        """Remove the checkpoint folder of a trial; harmless if it has none."""
        shutil.rmtree(self.checkpoint_trial_path(trial_id), ignore_errors=True)

    def stdout(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard output."""
        return read_lines(TrialFolder(self.trial_path(trial_id)).stdout)

    def stderr(self, trial_id: int) -> list[str]:
        """Lines that the trial wrote to its standard error."""
        return read_lines(TrialFolder(self.trial_path(trial_id)).stderr)

    # How processes are started and ended.

    def _launch(self, trial_id: int, run: int, config: dict[str, Any]) -> Mapping[str, Any]:
        supervisor = self._opened()
        folder = TrialFolder(self.trial_path(trial_id))
        offset = folder.prepare(config)
        environment = dict(self.env)
        gpus = self._assigner().acquire(trial_id)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        try:
            details = {"offset": offset, "gpus": gpus}
            process = self._spawn(folder, run, config, environment, details)
            handle = {**process.to_json(), **details}
            folder.write_process(run, handle)
        except BaseException:
            self._assigner().release(trial_id)
            raise
        tail = ReportTail(folder.stdout, offset)
        log_cap = LogCap(self.max_log_bytes)
        supervisor.add(TrialRun(trial_id, run, folder, process, tail, log_cap))
        return handle

    def _spawn(
        self,
        folder: TrialFolder,
        run: int,
        config: dict[str, Any],
        environment: Mapping[str, str],
        details: Mapping[str, Any],  # noqa: ARG002 - for those that start a trial indirectly
    ) -> ProcessHandle:
        """Start the process of a trial.

        Args:
            folder: Its files, ready.
            run: Number of the run.
            config: The configuration.
            environment: Is added to ours.
            details: What its handle holds beside the process.
        """
        command = entry_command(self._entry_folder / self._entry_point)
        if self.pass_args_as_json:
            command += [f"--{ST_CONFIG_JSON_FNAME_ARG}", str(folder.config.absolute())]
        else:
            command += command_line_arguments(config)
        command += [f"--{ST_CHECKPOINT_DIR}", str(folder.checkpoints.absolute())]
        return spawn(command, folder, run, trial_environment(folder, environment))

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._ask(trial_id, "pause")

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._ask(trial_id, "stop")

    def _ask(self, trial_id: int, request: Request) -> None:
        supervisor = self._opened()
        run = supervisor.get(trial_id)
        if run is not None:
            supervisor.ask(run, request)

    def _opened(self) -> Supervisor:
        if self._supervisor is None:
            self._assigner()  # may refuse
            self._supervisor = Supervisor(self.grace_period_s, self._seen)
        return self._supervisor

    def _assigner(self) -> GpuAssigner:
        if self._gpus is None:
            names = usable_gpus(self.gpus_to_use) if self.rotate_gpus else []
            self._gpus = GpuAssigner(names, self.num_gpus_per_trial)
        return self._gpus

    def _root(self) -> Path:
        if self.local_path is None:
            self.set_path()
        assert self.local_path is not None
        return self.local_path
