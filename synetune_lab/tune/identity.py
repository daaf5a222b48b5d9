"""How a trial learns its number and its run, wherever it is.

The folder of a trial tells it on this machine; in a container of SageMaker it has another name. So
both come along with the configuration, which every backend passes. They are no part of it: log,
results and panel do not have them, and a trainable does not get them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synetune_lab.engine.actions import ResumeTrial, StartTrial

if TYPE_CHECKING:
    from synetune_lab.backend.trial_backend import TrialBackend
    from synetune_lab.engine.actions import BackendAction

__all__ = ["Identity", "introduce_trials"]

_NUMBER = "st_tune_trial"
_RUN = "st_tune_run"


@dataclass(frozen=True)
class Identity:
    """Who a trial is.

    Attributes:
        number: Its number.
        run: Name of its run.
        config: Its flat configuration, and nothing else.
    """

    number: int
    run: str
    config: dict[str, Any]

    @classmethod
    def of(cls, passed: Mapping[str, Any], checkpoint_dir: str | Path) -> Identity:
        """Who the trial of this process is.

        Args:
            passed: What came as its configuration.
            checkpoint_dir: Folder of its checkpoints. The folders that it is in tell number and run
                where nothing was passed: to a trial that was not started by a tuner.
        """
        folder = Path(checkpoint_dir).absolute().parent
        number = passed.get(_NUMBER, folder.name if folder.name.isdigit() else 0)
        run = passed.get(_RUN, folder.parent.name)
        config = {name: value for name, value in passed.items() if name not in (_NUMBER, _RUN)}
        return cls(int(number), str(run), config)


class _Introducing:
    """Stands in for the method `execute` of a backend.

    Args:
        backend: The backend.
        run: Name of the run.
    """

    def __init__(self, backend: TrialBackend, run: str) -> None:
        self.backend = backend
        self.run = run

    def __call__(self, action: BackendAction) -> None:
        if isinstance(action, (StartTrial, ResumeTrial)):
            passed = {**action.config, _NUMBER: action.trial_id, _RUN: self.run}
            action = replace(action, config=passed)
        type(self.backend).execute(self.backend, action)


def introduce_trials(backend: TrialBackend, run: str) -> None:
    """Have a backend tell each trial that it starts who it is; this is saved with the backend.

    Args:
        backend: The backend; of any class, also of a user's own.
        run: Name of the run.
    """
    vars(backend)["execute"] = _Introducing(backend, run)
