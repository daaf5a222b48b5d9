"""Runs class trainables: setup, then step by step, with checkpoints in between.

It happens in the process of the host itself, as it does in Ray Tune, so that one object may serve
trial after trial (`reset_config`).
"""

from __future__ import annotations

import inspect
import json
import pickle
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.backend.local.log_tail import ReportTail
from synetune_lab.errors import BackendError
from synetune_lab.report import Reporter

if TYPE_CHECKING:
    from synetune_lab.backend.local.folder import Request, TrialFolder

__all__ = ["SteppedTrainable", "is_trainable_class"]

TRAINING_ITERATION = "training_iteration"
"""Number of steps done, in each report."""
_LATEST_FILENAME = "latest.json"
_STATE_FILENAME = "state.pkl"

_BASES = ("ray.", "synetune_lab.tune.")

Tell = Callable[[int, dict[str, Any]], None]


def is_trainable_class(value: Any) -> bool:
    """Whether it is a class that trains step by step."""
    return inspect.isclass(value) and callable(getattr(value, "step", None))


class SteppedTrainable:
    """A class trainable, ready to be sent to a node.

    Args:
        trainable: A class with `step`, and as it likes `setup`, `save_checkpoint`,
            `load_checkpoint`, `cleanup` and `reset_config`. If its constructor takes `config`, as
            that of Ray's `Trainable`, it is the one that calls `setup`.
        checkpoint_freq: A checkpoint is written each time that so many steps were done; 0 for none
            but those at the end and at a pause.
        max_iterations: A trial ends after so many steps in all; None if `step` says when, by
            `done` in its result.

    Raises:
        BackendError: If the class can't be serialized, or an argument is out of range.
    """

    def __init__(
        self, trainable: type, checkpoint_freq: int = 1, max_iterations: int | None = None
    ) -> None:
        if checkpoint_freq < 0:
            raise BackendError(f"checkpoint_freq is {checkpoint_freq}; use 0 for none, or more")
        if max_iterations is not None and max_iterations < 1:
            raise BackendError(f"max_iterations is {max_iterations}; use at least 1, or None")
        self.data = _by_value(trainable)
        self.name = trainable.__name__
        self.checkpoint_freq = checkpoint_freq
        self.max_iterations = max_iterations
        self._class: Any = None
        self._object: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_class": None, "_object": None}

    def run(
        self,
        folder: TrialFolder,
        config: Mapping[str, Any],
        tell: Tell,
        request: Callable[[], Request | None],
    ) -> tuple[int, str | None]:
        """Run a trial until it ends or is asked to.

        Args:
            folder: Its files, ready.
            config: Its configuration.
            tell: Gets each report, with the offset behind it in the log.
            request: What the trial was asked for.

        Returns:
            Exit code as of a process, and what went wrong.
        """
        tail = ReportTail(folder.stdout, folder.stdout.stat().st_size)
        try:
            with (
                folder.stdout.open("a") as out,
                folder.stderr.open("a") as err,
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                try:
                    self._train(folder, dict(config), tail, tell, request)
                    if not _can_be_reset(self._object):
                        self.cleanup()
                except BaseException as error:
                    frames = error.__traceback__.tb_next if error.__traceback__ else None
                    text = "".join(traceback.format_exception(type(error), error, frames))
                    sys.stderr.write(text)
                    self.cleanup()
                    return 1, text.rstrip("\n")
            return 0, None
        finally:
            tail.close()

    def _train(
        self,
        folder: TrialFolder,
        config: dict[str, Any],
        tail: ReportTail,
        tell: Tell,
        request: Callable[[], Request | None],
    ) -> None:
        trainable = self._ready(config)
        iteration = _restore(trainable, folder.checkpoints)
        _count(trainable, iteration)
        saved = iteration
        report = Reporter()
        while request() is None:
            result = dict(trainable.step() or {})
            iteration += 1
            _count(trainable, iteration)
            result.setdefault(TRAINING_ITERATION, iteration)
            done = bool(result.pop("done", False)) or iteration == self.max_iterations
            report(**result)
            # After the report stands in the log: one that is written again is known for it, while
            # one that nobody ever got would be missing.
            if done or (self.checkpoint_freq and iteration % self.checkpoint_freq == 0):
                saved = _save(trainable, folder.checkpoints, iteration)
            tail.read()
            while (found := tail.take()) is not None:
                tell(tail.delivered, found)
            if done:
                break
        if saved != iteration:
            _save(trainable, folder.checkpoints, iteration)

    def _ready(self, config: dict[str, Any]) -> Any:
        """The object, with this configuration: that of the last trial if it can be reset."""
        if self._class is None:
            self._class = pickle.loads(self.data)
        if _can_be_reset(self._object) and self._object.reset_config(dict(config)):
            if hasattr(self._object, "config"):
                self._object.config = dict(config)
            return self._object
        self.cleanup()
        if "config" in inspect.signature(self._class).parameters:
            self._object = self._class(config=dict(config))
        else:
            self._object = self._class()
            if callable(getattr(self._object, "setup", None)):
                self._object.setup(dict(config))
        return self._object

    def cleanup(self) -> None:
        """Let the object of the last trial clean up; harmless if it has.

        An error is printed: that trial has ended, and the next one is not to blame.
        """
        gone, self._object = self._object, None
        if callable(getattr(gone, "cleanup", None)):
            try:
                gone.cleanup()
            except BaseException:
                traceback.print_exc()


def _can_be_reset(trainable: Any) -> bool:
    """Whether its class says how; what it has from a base class that refuses does not count."""
    reset = getattr(trainable, "reset_config", None)
    return callable(reset) and not getattr(reset, "__module__", "").startswith(_BASES)


def _save(trainable: Any, checkpoints: Path, iteration: int) -> int:
    """Write a checkpoint; the last one stays until this is whole. Returns the iteration."""
    if not callable(getattr(trainable, "save_checkpoint", None)):
        return iteration
    goal = checkpoints / str(iteration)
    shutil.rmtree(goal, ignore_errors=True)
    goal.mkdir(parents=True)
    state = trainable.save_checkpoint(str(goal))
    if isinstance(state, Mapping):
        (goal / _STATE_FILENAME).write_bytes(pickle.dumps(dict(state)))
    draft = checkpoints / f"{_LATEST_FILENAME}.new"
    draft.write_text(json.dumps({"iteration": iteration}))
    draft.replace(checkpoints / _LATEST_FILENAME)
    for old in checkpoints.iterdir():
        if old.is_dir() and old != goal:
            shutil.rmtree(old, ignore_errors=True)
    return iteration


def _restore(trainable: Any, checkpoints: Path) -> int:
    """Load the latest checkpoint, if there is one; returns its iteration."""
    try:
        iteration = int(json.loads((checkpoints / _LATEST_FILENAME).read_text())["iteration"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    source = checkpoints / str(iteration)
    state = source / _STATE_FILENAME
    trainable.load_checkpoint(pickle.loads(state.read_bytes()) if state.exists() else str(source))
    return iteration


def _count(trainable: Any, iteration: int) -> None:
    """Tell it how many steps it has done, if it counts them as Ray's does."""
    if hasattr(trainable, "_iteration"):
        trainable._iteration = iteration


def _by_value(trainable: type) -> bytes:
    """The class as bytes, with its code unless it is that of an installed package."""
    from synetune_lab.extras import require

    cloudpickle: Any = require("ray.cloudpickle", extra="ray")
    module = sys.modules.get(trainable.__module__)
    home = getattr(module, "__file__", None) or ""
    is_own = module is not None and "site-packages" not in home and bool(home)
    try:
        if not is_own or trainable.__module__ == "__main__":
            return bytes(cloudpickle.dumps(trainable))
        cloudpickle.register_pickle_by_value(module)
        try:
            return bytes(cloudpickle.dumps(trainable))
        finally:
            cloudpickle.unregister_pickle_by_value(module)
    except Exception as error:
        raise BackendError(
            f"trainable {trainable.__qualname__!r} can't be serialized: {error}. What it refers to "
            "must be copyable (no locks, open files or running tuners)"
        ) from error
