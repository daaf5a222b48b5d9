"""A script that tells a whole trial at once, on simulated time."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synetune_lab.backend.local.folder import command_line_arguments
from synetune_lab.backend.simulator_backend.config import SimulatorConfig
from synetune_lab.backend.simulator_backend.course import TrialCourse
from synetune_lab.backend.simulator_backend.simulated_backend import SimulatedBackend
from synetune_lab.constants import ST_CHECKPOINT_DIR, TRIAL_CHECKPOINTS_DIRNAME
from synetune_lab.errors import BackendError
from synetune_lab.report import retrieve

__all__ = ["SimulatorBackend", "SimulatorConfig"]

logger = logging.getLogger(__name__)

_LAST_LINES = 10


class SimulatorBackend(SimulatedBackend):
    """Runs a script that reports all of a trial at once, together with the time that it takes.

    The script is run to its end when a trial starts, without regard to real time, and its
    reports are told at their simulated times. To look a benchmark up in a table takes no script:
    see `BlackboxRepositoryBackend` and `UserBlackboxBackend`, which are far quicker.

    Args:
        entry_point: The script. It gets its configuration as `--name value`, and the folder
            `--st_checkpoint_dir`, where a trial that is resumed finds what it left there.
        elapsed_time_attr: See `SimulatedBackend`.
        simulator_config: Delays.
        tuner_sleep_time: See `SimulatedBackend`.
        debug_resource_attr: Name of the reported resource; it is logged when a trial starts.
        speed: See `SimulatedBackend`.

    Raises:
        BackendError: If there is no such script.
    """

    def __init__(
        self,
        entry_point: str,
        elapsed_time_attr: str,
        simulator_config: SimulatorConfig | None = None,
        tuner_sleep_time: float = 0.0,
        debug_resource_attr: str | None = None,
        *,
        speed: float | None = None,
    ) -> None:
        super().__init__(elapsed_time_attr, simulator_config, tuner_sleep_time, speed=speed)
        self.debug_resource_attr = debug_resource_attr
        self._folder: Path | None = None
        self.set_entrypoint(entry_point)

    def entrypoint_path(self) -> Path:
        """The script."""
        return self._entry_point

    def set_entrypoint(self, entry_point: str) -> None:
        """Replace the script.

        Raises:
            BackendError: If there is no such file.
        """
        path = Path(entry_point).expanduser().resolve()
        if not path.is_file():
            raise BackendError(f"entry_point={entry_point!r} is not a file")
        self._entry_point = path

    def set_path(self, results_root: str | None = None, tuner_name: str | None = None) -> None:
        """Where checkpoints go."""
        del tuner_name
        self._folder = None if results_root is None else Path(results_root)

    def checkpoint_trial_path(self, trial_id: int) -> Path:
        """Folder of a trial's checkpoint."""
        root = self._folder if self._folder is not None else Path.cwd()
        return root / str(trial_id) / TRIAL_CHECKPOINTS_DIRNAME

    def _course_of(self, trial_id: int, config: Mapping[str, Any], level: int) -> TrialCourse:
        del level  # the script finds it in its checkpoint
        folder = self.checkpoint_trial_path(trial_id)
        arguments = command_line_arguments({**config, ST_CHECKPOINT_DIR: str(folder)})
        done = subprocess.run(
            [sys.executable, str(self._entry_point), *arguments],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        reports = retrieve(done.stdout.splitlines())
        error = None
        if done.returncode:
            error = "\n".join(done.stderr.splitlines()[-_LAST_LINES:])
            error = error or f"the script ended with exit code {done.returncode}"
        return self._course_from(trial_id, reports, error)

    def _course_from(
        self, trial_id: int, reports: list[dict[str, Any]], error: str | None
    ) -> TrialCourse:
        elapsed: list[float] = []
        for report in reports:
            seconds = report.get(self.elapsed_time_attr)
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
                raise BackendError(
                    f"{self._entry_point.name} reported {sorted(report)} without a number "
                    f"{self.elapsed_time_attr!r}, the seconds since its start (elapsed_time_attr)"
                )
            if elapsed and seconds < elapsed[-1]:
                raise BackendError(
                    f"{self._entry_point.name} reported {self.elapsed_time_attr}={seconds} after "
                    f"{elapsed[-1]}: time can't go back"
                )
            elapsed.append(float(seconds))
        if self.debug_resource_attr is not None:
            reached = [report.get(self.debug_resource_attr) for report in reports]
            logger.debug("trial %d is going to report at %s", trial_id, reached)
        names = tuple(dict.fromkeys(name for report in reports for name in report))
        if any(len(report) != len(names) for report in reports):
            raise BackendError(
                f"{self._entry_point.name} must report the same entries each time; all of them "
                f"together are {list(names)}"
            )
        rows = [tuple(report[name] for name in names) for report in reports]
        return TrialCourse(names, rows, elapsed, None, error)
