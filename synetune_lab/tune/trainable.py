"""Class trainables."""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checkpoint import DICT_FILENAME, CheckpointNote

__all__ = ["Trainable"]


class Trainable:
    """Training in steps, which can be saved and gone on with. Subclass it.

    Override `setup` and `step`, and `save_checkpoint` and `load_checkpoint` for schedulers that
    pause or copy trials.

    Args:
        config: The configuration; it is given to `setup`.
        trial_id: Id of the trial, if it belongs to one.
        trial_name: Name of the trial.
        logdir: Folder of the trial.
        trial_resources: What the trial may use.

    Attributes:
        config: The configuration.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        trial_id: str | None = None,
        trial_name: str | None = None,
        logdir: str | None = None,
        trial_resources: Mapping[str, float] | None = None,
    ) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self._trial = (trial_id, trial_name, logdir)
        self._resources = dict(trial_resources or {})
        self._iteration = 0
        self._time_total_s = 0.0
        self.setup(dict(self.config))

    # To be overridden

    def setup(self, config: dict[str, Any]) -> None:
        """Make ready, once."""

    def step(self) -> dict[str, Any]:
        """Do one iteration.

        Returns:
            Its metrics. `done=True` among them ends the trial, `should_checkpoint=True` saves it.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement step()")

    def save_checkpoint(self, checkpoint_dir: str) -> str | dict[str, Any] | None:
        """Save what `load_checkpoint` needs.

        Args:
            checkpoint_dir: A new, empty folder.

        Returns:
            What `load_checkpoint` is to get: a path in the folder, a dictionary that can be
            pickled, or None for the folder itself.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement save_checkpoint()")

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on from what `save_checkpoint` saved.

        Args:
            checkpoint: What it returned: the path where it is now, or the dictionary.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement load_checkpoint()")

    def cleanup(self) -> None:
        """Free what is held; called at the end, however it came."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:  # noqa: ARG002
        """Take another configuration without being made anew.

        Returns:
            Whether it could; if not, another object is made.
        """
        return False

    @classmethod
    def default_resource_request(cls, config: Mapping[str, Any]) -> dict[str, float] | None:  # noqa: ARG003
        """What a trial needs, as for `resources_per_trial`; None for one CPU."""
        return None

    # What is known

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return self._iteration

    @property
    def training_iteration(self) -> int:
        """Iterations done."""
        return self._iteration

    @property
    def trial_id(self) -> str:
        """Id of the trial; `default` outside of one."""
        return self._trial[0] or "default"

    @property
    def trial_name(self) -> str:
        """Name of the trial; `default` outside of one."""
        return self._trial[1] or "default"

    @property
    def logdir(self) -> str:
        """Folder of the trial; the current one outside of one."""
        return self._trial[2] or str(Path.cwd())

    @property
    def trial_resources(self) -> dict[str, float]:
        """What the trial may use."""
        return dict(self._resources)

    def get_config(self) -> dict[str, Any]:
        """The configuration."""
        return dict(self.config)

    # What the one who trains it calls

    def train(self) -> dict[str, Any]:
        """Do one iteration.

        Raises:
            TuneError: If `step` does not return a dictionary.
        """
        start = time.perf_counter()
        result: Any = self.step()
        if not isinstance(result, Mapping):
            raise TuneError(
                f"{type(self).__name__}.step() returned {result!r:.100}; return a dictionary of "
                "metrics"
            )
        self._iteration += 1
        spent = time.perf_counter() - start
        self._time_total_s += spent
        known = {
            "training_iteration": self._iteration,
            "time_this_iter_s": spent,
            "time_total_s": self._time_total_s,
        }
        return {**known, **result}

    def save(self, checkpoint_dir: str | os.PathLike[str] | None = None) -> str:
        """Save to a folder, which is made; returns the folder.

        Args:
            checkpoint_dir: The folder; None for a new temporary one.
        """
        folder = Path(checkpoint_dir or tempfile.mkdtemp(prefix="checkpoint-"))
        folder.mkdir(parents=True, exist_ok=True)
        note = self.save_to(folder, CheckpointNote(folder.name))
        note.iteration, note.time_total_s = self._iteration, self._time_total_s
        note.write(folder)
        return str(folder)

    def save_to(self, folder: Path, note: CheckpointNote) -> CheckpointNote:
        """Save to a folder, and note how to load it.

        Raises:
            TuneError: If `save_checkpoint` returned what can't be a checkpoint.
        """
        saved: Any = self.save_checkpoint(str(folder))
        if isinstance(saved, Mapping):
            note.kind = "dict"
            (folder / DICT_FILENAME).write_bytes(pickle.dumps(dict(saved)))
        elif saved is not None:
            path = Path(saved)
            path = path if path.is_absolute() else folder / path
            if not path.resolve().is_relative_to(folder.resolve()):
                raise TuneError(
                    f"{type(self).__name__}.save_checkpoint() returned {os.fspath(saved)!r}, which "
                    f"is not in {os.fspath(folder)!r}; write to the folder that it is given"
                )
            relative = os.path.relpath(path.resolve(), folder.resolve())
            if relative != ".":
                note.kind, note.relative = "path", relative
        return note

    def restore(self, checkpoint_path: str | os.PathLike[str]) -> None:
        """Go on from a checkpoint that was saved."""
        folder = Path(checkpoint_path)
        note = CheckpointNote.read(folder)
        if note.kind == "dict":
            # Written by this very class; whoever restores it trusts the folder.
            self.load_checkpoint(pickle.loads((folder / DICT_FILENAME).read_bytes()))
        else:
            self.load_checkpoint(str(folder / note.relative))
        self._iteration, self._time_total_s = note.iteration, note.time_total_s

    def reset(self, new_config: Mapping[str, Any]) -> bool:
        """Take another configuration; returns whether `reset_config` could."""
        if not self.reset_config(dict(new_config)):
            return False
        self.config = dict(new_config)
        return True

    def stop(self) -> None:
        """Free what is held."""
        self.cleanup()
