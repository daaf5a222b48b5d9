"""Runs trials on a Ray cluster: each in an actor that holds its resources."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.local.folder import command_line_arguments, config_to_json
from synetune_lab.backend.local.log_tail import last_lines
from synetune_lab.backend.ray_backend.cluster import (
    check_fits,
    connect,
    living_nodes,
    load_ray,
    tidy_resources,
)
from synetune_lab.backend.ray_backend.files import Body, FilesOfTrials
from synetune_lab.backend.ray_backend.host import HostPlan
from synetune_lab.backend.ray_backend.hosted import HostedFunction, HostedScript
from synetune_lab.backend.ray_backend.pool import HostPool
from synetune_lab.backend.ray_backend.stepping import SteppedTrainable, is_trainable_class
from synetune_lab.backend.ray_backend.watch import Watch
from synetune_lab.backend.repeats import RepeatFilter
from synetune_lab.engine.events import TrialEnded, TrialReported
from synetune_lab.errors import BackendError

if TYPE_CHECKING:
    from synetune_lab.engine.events import Event

__all__ = ["RayBackend"]

logger = logging.getLogger(__name__)

Resources = Mapping[str, float]

LINGER_S = 60.0
"""Actors whose driver has died end when they had nothing to do for so long."""


class RayBackend(FilesOfTrials):
    """Runs each trial in a Ray actor, on whichever node has the resources for it.

    Trials that get no place yet wait for it, and who waits longest is next. One whose node dies is
    started again elsewhere, from its latest checkpoint; what it then reports a second time is left
    out. An actor serves the next trial when its own has ended, so that trials after the first start
    at once.

    All nodes need this package, in the same version. If they share no file system with this
    process, give `storage_path` as a URL.

    Args:
        trainable: What a trial runs. A function, as in `PythonBackend`, which then needs
            `config_space`. The path of a script, as in `LocalBackend`; a node that has no such
            file gets a copy. Or a class with `step` (and `setup`, `save_checkpoint`,
            `load_checkpoint`, `cleanup`, `reset_config`), whose reports have `training_iteration`.
        config_space: The configuration space, against which a function's arguments are checked.
        resources: What a trial needs, for instance `{"CPU": 2, "GPU": 0.5, "fast_disk": 1}`; or a
            function that tells it for a configuration. By default one CPU.
        address: Address of the cluster, `auto` for one that runs on this machine, or
            `ray://host:port` for Ray's client. None for the one that this process is connected to,
            or that the environment variable `RAY_ADDRESS` names; if there is none, one is started
            on this machine, and ends with this process.
        storage_path: Where trials keep checkpoints and logs: a folder that all nodes see, or an
            fsspec URL such as `s3://bucket/folder`. By default the folder of the experiment.
        delete_checkpoints: See `TrialBackend`.
        pass_args_as_json: See `TrialBackend`; only for scripts.
        grace_period_s: Seconds that a trial has to write its checkpoint, from being told that it
            is to pause or stop until it is killed.
        env: Added to the environment of each trial; not for classes.
        max_log_bytes: See `LocalBackend`; not for classes.
        resource_attr: The metric that counts what a trial has done, such as `epoch`: tells which
            reports are repeated after a node was lost. None to take any whole number that grows
            with each report.
        checkpoint_freq: For classes: a checkpoint is written each time that so many steps were
            done; 0 for none but those at the end and at a pause.
        max_iterations: For classes: a trial ends after so many steps; None if `step` says when, by
            `done` in its result, or the scheduler stops it.
        keep_warm_s: How long an actor without a trial holds its resources, for the next one.
        check_resources: Refuse resources that no node has. Use False if the cluster grows on
            demand.
        runtime_env: Ray's description of what actors need (`working_dir`, `pip`, `py_modules`).
        init_args: Further arguments of `ray.init`, if this process is not connected yet.

    Raises:
        MissingDependencyError: If Ray is not installed.
        BackendError: If an argument is out of range, the trainable can't be sent, or there is no
            such script.
    """

    def __init__(
        self,
        trainable: Callable[..., Any] | str | os.PathLike[str],
        config_space: Mapping[str, Any] | None = None,
        *,
        resources: Resources | Callable[[dict[str, Any]], Resources] | None = None,
        address: str | None = None,
        storage_path: str | os.PathLike[str] | None = None,
        delete_checkpoints: bool = False,
        pass_args_as_json: bool = False,
        grace_period_s: float = 10.0,
        env: Mapping[str, str] | None = None,
        max_log_bytes: int | None = 256 * 2**20,
        resource_attr: str | None = None,
        checkpoint_freq: int = 1,
        max_iterations: int | None = None,
        keep_warm_s: float = 5.0,
        check_resources: bool = True,
        runtime_env: Mapping[str, Any] | None = None,
        init_args: Mapping[str, Any] | None = None,
    ) -> None:
        load_ray()
        for name, seconds in (("grace_period_s", grace_period_s), ("keep_warm_s", keep_warm_s)):
            if not seconds >= 0:
                raise BackendError(f"{name} is {seconds}; use at least 0 seconds")
        if max_iterations is not None and not is_trainable_class(trainable):
            raise BackendError("max_iterations is for class trainables; others end by themselves")
        options = {"grace_period_s": grace_period_s, "env": env, "max_log_bytes": max_log_bytes}
        body: Body
        if is_trainable_class(trainable):
            body = SteppedTrainable(trainable, checkpoint_freq, max_iterations)  # type: ignore[arg-type]
        else:
            body = _body_of(trainable, config_space, options, pass_args_as_json)
        path = None if storage_path is None else os.fspath(storage_path)
        super().__init__(body, path, delete_checkpoints, pass_args_as_json)
        self.grace_period_s = grace_period_s
        self.address = address
        self.keep_warm_s = keep_warm_s
        self.check_resources = check_resources
        self.runtime_env = None if runtime_env is None else dict(runtime_env)
        self.init_args = dict(init_args or {})
        self.resources = {"CPU": 1.0} if resources is None else resources
        if not callable(self.resources):
            self.resources = tidy_resources(self.resources)
        self.config_space = None if config_space is None else dict(config_space)
        self._folder = str(Path.cwd())
        self._offset_of: dict[int, int] = {}
        self._news: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.repeats = RepeatFilter(resource_attr)
        self._watch: Watch | None = None

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        del state["_news"]
        fresh: dict[str, Any] = {"_watch": None, "_offset_of": {}}
        return {**state, **fresh}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._news = queue.SimpleQueue()

    # The engine's side.

    def open(self, results_root: Path, tuner_name: str) -> None:
        """Connect to the cluster; harmless if it is already.

        Raises:
            BackendError: If there is no cluster, or no node has what a trial needs.
        """
        super().open(results_root, tuner_name)
        self._opened()

    def adopt(self, handles: Mapping[int, tuple[int, Mapping[str, Any]]]) -> dict[int, int]:
        """Take over the trials of a run that ended without telling them; see `TrialBackend`."""
        watch = self._opened()
        now = self.time_keeper.time_stamp()
        self._ledger.let_go(handles, now)
        alive: dict[int, int] = {}
        for trial_id, (run, handle) in handles.items():
            self._ledger.begin(trial_id, run, None, now)
            _, offset = self._given.pop(trial_id, (run, 0))
            if watch.adopt(trial_id, run, handle.get("host"), offset):
                alive[trial_id] = run
        watch.end_others()
        return alive

    def wait_events(self, timeout: float | None) -> list[Event]:
        """Wait until a trial reports or ends, or `wake` is called. See `TrialBackend`."""
        watch = self._opened()
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            woken = self._take_in(watch, 0.0)
            left = deadline - time.monotonic()
            if self._queue or woken or left <= 0:
                return self._next_batch()
            if self._take_in(watch, min(left, watch.patience())):
                return self._next_batch()

    def _take_in(self, watch: Watch, patience: float) -> bool:
        """Wait for news and queue them as events; returns whether it was `wake` that came."""
        woken = False
        try:
            item = self._news.get(timeout=patience) if patience > 0 else self._news.get_nowait()
            while True:
                woken = woken or not item
                if item:
                    watch.hear(*item)
                item = self._news.get_nowait()
        except queue.Empty:
            watch.look_after()
            return woken

    def _next_batch(self) -> list[Event]:
        batch = super()._next_batch()
        for event in batch:
            if isinstance(event, TrialReported):
                self._seen[event.trial_id] = self._offset_of.pop(id(event))
        return batch

    def tell_report(self, trial_id: int, run: int, report: dict[str, Any], offset: int) -> None:
        """Queue a report of a trial; called by those who watch it."""
        event = TrialReported(trial_id, run, report)
        self._offset_of[id(event)] = offset
        self._queue.append(event)

    def tell_end(self, event: TrialEnded) -> None:
        """Queue the end of a trial's run; called by those who watch it."""
        self._queue.append(event)

    def wake(self) -> None:
        """Let `wait_events` return; from any thread."""
        self._news.put(())

    def close(self, *, leave_running: bool = False) -> None:
        """Stop watching; end all trials, waiting for them, unless `leave_running`.

        They are asked to pause: whoever resumes the experiment goes on from their checkpoints.
        """
        watch = self._watch
        if watch is None:
            return
        try:
            if not leave_running:
                watch.ask_all("pause")
                while watch.is_busy:
                    self.wait_events(None)
        finally:
            self._watch = None
            watch.close(leave_running=leave_running)
            self._news = queue.SimpleQueue()

    def log_tail(self, trial_id: int, lines: int = 50) -> dict[str, list[str]]:
        """The last lines of a trial's logs, without line breaks; from any thread."""
        watch = self._watch
        found = None if watch is None else watch.tail(trial_id, lines)
        if found is not None:
            return found
        folder = self._log_folder(trial_id)
        return {
            "stdout": last_lines(folder.stdout, lines),
            "stderr": last_lines(folder.stderr, lines),
        }

    # How runs are started and ended.

    def _launch(self, trial_id: int, run: int, config: dict[str, Any]) -> Mapping[str, Any]:
        if isinstance(self.body, HostedScript) and not self.pass_args_as_json:
            command_line_arguments(config)  # refuses what can't be passed
        else:
            config_to_json(config)
        resources = self.resources(dict(config)) if callable(self.resources) else self.resources
        if callable(self.resources):
            resources = tidy_resources(resources)
            self._check_fits(resources)
        watch = self._opened()
        name = watch.launch(trial_id, run, config, resources, self._plan, self._version)
        return {"host": name}

    def _pause_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._opened().ask(trial_id, "pause")

    def _stop_trial(self, trial_id: int, result: dict[str, Any] | None) -> None:  # noqa: ARG002
        self._opened().ask(trial_id, "stop")

    def _plan(self) -> HostPlan:
        return HostPlan(
            pickle.dumps(self.body), self.storage, self._folder, self.grace_period_s, LINGER_S
        )

    def _check_fits(self, resources: Resources) -> None:
        if self.check_resources:
            check_fits(resources, living_nodes(connect(self.address, self.init_args)))

    def _opened(self) -> Watch:
        if self._watch is None:
            ray = connect(self.address, self.init_args)
            if not callable(self.resources):
                self._check_fits(self.resources)
            prefix = f"{self.tuner_name or self._root().name}:"
            # A class has an object to clean up; other trials run in processes of their own.
            clean_up_s = self.grace_period_s if isinstance(self.body, SteppedTrainable) else None
            pool = HostPool(ray, prefix, self.keep_warm_s, self.runtime_env, clean_up_s, self._news)
            self._watch = Watch(self, ray, pool, self._news, self.grace_period_s)
        return self._watch


def _body_of(
    trainable: Callable[..., Any] | str | os.PathLike[str],
    config_space: Mapping[str, Any] | None,
    options: Mapping[str, Any],
    pass_args_as_json: bool,
) -> HostedScript | HostedFunction:
    """What a trial runs in a process of its own."""
    if isinstance(trainable, (str, os.PathLike)):
        return HostedScript(trainable, pass_args_as_json=pass_args_as_json, **options)
    if config_space is None:
        raise BackendError(
            "a function needs config_space, as in RayBackend(train, config_space); its arguments "
            "are checked against it"
        )
    return HostedFunction(trainable, config_space, **options)
