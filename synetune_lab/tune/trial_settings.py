"""What all trials of a run are to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.template import ConfigTemplate

__all__ = ["TrialInfo", "TrialSettings"]


@dataclass(frozen=True)
class TrialInfo:
    """What is known of a trial when it gets its name.

    Attributes:
        trial_id: Its id.
        trainable_name: What it runs.
        config: Its configuration.
        evaluated_params: The same, flat.
    """

    trial_id: str
    trainable_name: str
    config: dict[str, Any]
    evaluated_params: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.trainable_name}_{self.trial_id}"


@dataclass
class TrialSettings:
    """What all trials of a run are to know.

    Attributes:
        name: Name of the trainable.
        tag: Tells the trials of this run from those of others.
        template: Makes the user's configuration.
        stop: A trial is done when one of these metrics has reached its value.
        checkpoint_freq: A class trainable saves every so many iterations; 0 for never.
        checkpoint_at_end: Whether it saves at its end.
        level: Metric and entry of the flat configuration: a trial ends for now when the metric has
            reached what the entry says. A class trainable saves then, to be gone on with.
        hidden_freq: As `checkpoint_freq`, for a scheduler that copies checkpoints of running
            trials; only the newest two are kept.
        keep: So many checkpoints are kept; None for all.
        score_attr: The metric by which they are kept, `min-` before one to be minimised.
        max_failures: So often a trial that failed begins again from its checkpoint; -1 for ever.
        reuse_actors: Whether a trial that goes on from another one's checkpoint is made by
            `reset_config`, if it can be.
        resources: What a trial may use.
        name_creator: Makes the name of a trial of what is known of it; None for the usual names.
        restore: Folder of a checkpoint that trials begin with; None to begin from scratch.
    """

    name: str
    tag: str
    template: ConfigTemplate = field(default_factory=ConfigTemplate)
    stop: dict[str, Any] = field(default_factory=dict)
    level: tuple[str, str] | None = None
    checkpoint_freq: int = 0
    checkpoint_at_end: bool = False
    hidden_freq: int = 0
    keep: int | None = None
    score_attr: str | None = None
    max_failures: int = 0
    reuse_actors: bool = False
    resources: dict[str, float] = field(default_factory=dict)
    name_creator: Callable[[TrialInfo], str] | None = None
    restore: str | None = None

    def trial_id(self, number: int) -> str:
        """Id of the trial with a number."""
        return f"{self.tag}_{number:05d}"

    def trial_name(self, number: int, flat: Mapping[str, Any]) -> str:
        """Name of the trial with a number and a flat configuration.

        Raises:
            TuneError: If the user's function does not give one.
        """
        trial_id = self.trial_id(number)
        if self.name_creator is None:
            return f"{self.name}_{trial_id}"
        info = TrialInfo(trial_id, self.name, self.template.nest(flat), self.own_config(flat))
        try:
            name: Any = self.name_creator(info)
        except Exception as error:
            raise TuneError(f"trial_name_creator failed: {error!r}") from error
        if not isinstance(name, str) or not name:
            raise TuneError(f"trial_name_creator must return a text, got {name!r:.100}")
        return name

    @property
    def kept(self) -> int | None:
        """How many checkpoints are kept."""
        own = self.checkpoint_freq or self.checkpoint_at_end
        hidden = self.hidden_freq or self.level is not None
        return 2 if hidden and not own and self.keep is None else self.keep

    def own_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A flat configuration without the entry that says how far to go."""
        hidden = None if self.level is None else self.level[1]
        return {name: value for name, value in config.items() if name != hidden}
