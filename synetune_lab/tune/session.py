"""What a function trainable calls: report, save checkpoints, and learn about its trial."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.errors import TuneError
from synetune_lab.report import Reporter
from synetune_lab.tune.checkpoint import Checkpoint, CheckpointFolder, CheckpointNote
from synetune_lab.tune.template import flatten

if TYPE_CHECKING:
    from typing import NoReturn

    from synetune_lab.tune.trial_settings import TrialSettings

__all__ = [
    "DEFAULT_METRIC",
    "TrialContext",
    "TrialDone",
    "TrialSession",
    "checkpoint_dir",
    "get_checkpoint",
    "get_context",
    "get_trial_dir",
    "get_trial_id",
    "get_trial_name",
    "get_trial_resources",
    "is_session_enabled",
    "report",
]

logger = logging.getLogger(__name__)

DEFAULT_METRIC = "_metric"
"""Name of the metric of a function that returns or yields a plain number."""


class TrialDone(BaseException):
    """Raised by `report` when the trial has reached what it was to reach."""


class TrialSession:
    """The trial that runs in this process.

    Args:
        settings: What is to be known.
        number: Number of the trial.
        config: Its flat configuration.
        folder: Its checkpoints.
        clock: Tells seconds.
        run: Name of the run.
    """

    def __init__(
        self,
        settings: TrialSettings,
        number: int,
        config: Mapping[str, Any],
        folder: CheckpointFolder,
        clock: Callable[[], float] = time.perf_counter,
        *,
        run: str = "",
    ) -> None:
        self.settings = settings
        self.number = number
        self.run = run
        self.config = dict(config)
        self.folder = folder
        self.of_class = False
        self.iteration = 0
        self._clock = clock
        self._since = clock()
        self._base_s = 0.0
        self._last_s = 0.0
        self._reporter = Reporter()

    def latest(self) -> tuple[Path, CheckpointNote] | None:
        """The checkpoint to go on from; None to begin from scratch."""
        own = self.folder.latest()
        if own is not None:
            return own
        given = self.settings.restore
        return None if given is None else (Path(given), CheckpointNote.read(Path(given)))

    @property
    def trial_name(self) -> str:
        """Name of the trial."""
        return self.settings.trial_name(self.number, self.config)

    def begin(self, note: CheckpointNote | None) -> None:
        """Go on from a checkpoint, or from scratch."""
        self.iteration = 0 if note is None else note.iteration
        self._base_s = self._last_s = 0.0 if note is None else note.time_total_s
        self._since = self._clock()

    @property
    def time_total_s(self) -> float:
        """Seconds of training, with those before the checkpoint that it goes on from."""
        return self._base_s + self._clock() - self._since

    def complete(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """The metrics of an iteration that is done, flat, with what is known beside them."""
        self.iteration += 1
        total, last = self.time_total_s, self._last_s
        self._last_s = total
        result = {name: value for name, value in flatten(metrics).items() if value is not None}
        result = {n: v.tolist() if hasattr(v, "tolist") else v for n, v in result.items()}
        own = {
            "training_iteration": self.iteration,
            "time_this_iter_s": total - last,
            "time_total_s": total,
            "pid": os.getpid(),
            "hostname": os.uname().nodename if hasattr(os, "uname") else "localhost",
        }
        return {**own, **result}

    def is_done(self, result: Mapping[str, Any]) -> bool:
        """Whether a result says that the trial is done, or has reached what it is to reach.

        Raises:
            TuneError: If a metric of the stopping rule is not in it.
        """
        if result.get("done"):
            return True
        for name, bound in self.settings.stop.items():
            if name not in result:
                raise TuneError(
                    f"stop names {name!r}, which was not reported; reported were {sorted(result)}"
                )
            if result[name] >= bound:
                return True
        return False

    def is_at_level(self, result: Mapping[str, Any]) -> bool:
        """Whether the trial has come as far as it is to go for now."""
        if self.settings.level is None:
            return False
        name, key = self.settings.level
        return name in result and key in self.config and bool(result[name] >= self.config[key])

    def send(self, result: Mapping[str, Any]) -> None:
        """Report to the tuner."""
        self._reporter(**result)

    def note(self, name: str, iteration: int, result: Mapping[str, Any]) -> CheckpointNote:
        """A note for a new checkpoint."""
        return CheckpointNote(
            name,
            iteration,
            self.time_total_s,
            self._score(result),
            config=self.settings.own_config(self.config),
        )

    def _score(self, result: Mapping[str, Any]) -> float | None:
        attr = self.settings.score_attr
        if attr is None:
            return None
        name = attr.removeprefix("min-")
        value = result.get(name)
        if not isinstance(value, (int, float)) or value != value:
            return None
        return -float(value) if attr.startswith("min-") else float(value)

    def report(self, metrics: Mapping[str, Any], checkpoint: Checkpoint | None) -> None:
        """Report an iteration of a function.

        Raises:
            TrialDone: If the trial is done with it.
        """
        result = self.complete(metrics)
        if checkpoint is not None:
            name = f"checkpoint_{self.iteration:06d}"
            self.folder.add(checkpoint, self.note(name, self.iteration, result))
        done = self.is_done(result)
        self.send(result)
        if done or self.is_at_level(result):
            raise TrialDone


_current: TrialSession | None = None
_warned = False


def set_session(session: TrialSession | None) -> None:
    """Make a session the one of this process."""
    global _current
    _current = session


def report(
    metrics: Mapping[str, Any] | None = None,
    *,
    checkpoint: Checkpoint | None = None,
    **more: Any,
) -> None:
    """Report the metrics of one iteration of a function trainable.

    Outside of a trial nothing happens, so that the function can be tried by itself.

    Args:
        metrics: Names and values; dictionaries in it become `name/inner`.
        checkpoint: A folder with what the trial can go on from; it is copied.
        more: Further metrics: `report(loss=0.3)`.

    Raises:
        TuneError: In a class trainable, whose `step` returns its metrics.
    """
    global _warned
    session = _current
    if session is None:
        if not _warned:
            logger.warning("tune.report was called outside of a trial: nothing is reported")
            _warned = True
        return
    if session.of_class:
        _refuse_in_class()
    session.report({**(metrics or {}), **more}, checkpoint)


def _refuse_in_class() -> NoReturn:
    raise TuneError(
        "tune.report was called in a class trainable: return the metrics from step() instead, "
        "which are reported once an iteration"
    )


@contextmanager
def checkpoint_dir(step: int) -> Iterator[str]:
    """A new folder for a checkpoint, in a `with` block; call it before `report`.

    Args:
        step: Number of the checkpoint.
    """
    session = _current
    if session is None:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            yield folder
        return
    note = session.note(f"checkpoint_{step:06d}", session.iteration + 1, {})
    with session.folder.writing(note) as path:
        yield str(path)


def get_checkpoint() -> Checkpoint | None:
    """The checkpoint that the trial is to go on from; None to begin from scratch."""
    latest = None if _current is None else _current.latest()
    return None if latest is None else Checkpoint(latest[0])


def is_session_enabled() -> bool:
    """Whether this process runs a trial."""
    return _current is not None


def get_trial_id() -> str | None:
    """Id of the trial of this process."""
    return None if _current is None else _current.settings.trial_id(_current.number)


def get_trial_name() -> str | None:
    """Name of the trial of this process."""
    return None if _current is None else _current.trial_name


def get_trial_dir() -> str | None:
    """Folder of the trial of this process."""
    return None if _current is None else str(Path(_current.folder.root).parent)


def get_trial_resources() -> dict[str, float] | None:
    """What the trial of this process may use."""
    return None if _current is None else dict(_current.settings.resources)


class TrialContext:
    """What a trial knows of itself, see `get_context`; None outside of a trial."""

    def get_trial_id(self) -> str | None:
        """Id of the trial."""
        return get_trial_id()

    def get_trial_name(self) -> str | None:
        """Name of the trial."""
        return get_trial_name()

    def get_trial_dir(self) -> str | None:
        """Folder of the trial."""
        return get_trial_dir()

    def get_trial_resources(self) -> dict[str, float] | None:
        """What the trial may use."""
        return get_trial_resources()

    def get_experiment_name(self) -> str | None:
        """Name of the run."""
        return None if _current is None else _current.run


def get_context() -> TrialContext:
    """What the trial of this process knows of itself."""
    return TrialContext()
