"""What would be tried next, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synetune_lab.experiments.insight.words import config_words, number, reason_words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Suggestion"]


@dataclass(frozen=True)
class Suggestion:
    """What would be tried next.

    Attributes:
        by: Who suggests: the scheduler's name, `GPFIFOSearcher`, or `you` for what was enqueued.
        config: The configuration, without constants; None if there is nothing to try.
        resumes: The paused trial that would go on, if it is no new one.
        reason: Why, as JSON; see `TrialScheduler.reason`.
        metric: Name of the metric.
        mode: `min` or `max`.
        level: The resource that the expectation is of; None without.
        mean: What the insight's model expects of the configuration; None if it can't tell.
        std: Its uncertainty.
        probability: Probability that the true value is better than the best so far.
        improvement: Expected improvement over the best so far.
        best: The best value so far.
        best_trial_id: The trial that reported it.
    """

    by: str
    config: dict[str, Any] | None
    metric: str
    mode: str
    resumes: int | None = None
    reason: Mapping[str, Any] = field(default_factory=dict)
    level: int | None = None
    mean: float | None = None
    std: float | None = None
    probability: float | None = None
    improvement: float | None = None
    best: float | None = None
    best_trial_id: int | None = None

    def explain(self) -> str:
        """One or two sentences: what, why, and what is expected of it."""
        if self.config is None:
            return f"{self.by} has nothing to try at the moment."
        if self.resumes is not None:
            text = f"{self.by} would let trial {self.resumes} go on ({config_words(self.config)})"
        else:
            text = f"{self.by} would try {config_words(self.config)}"
        why = reason_words(self.reason)
        text += f": {why}." if why else "."
        return text + self._expectation()

    def _expectation(self) -> str:
        if self.mean is None or self.std is None:
            return ""
        at = "" if self.level is None else f" at level {self.level}"
        text = f" The model expects {self.metric} {number(self.mean)} ± {number(self.std)}{at}"
        if self.probability is not None and self.best is not None:
            share = 100.0 * self.probability
            chance = "less than 1 %" if share < 1.0 else f"{share:.0f} %"
            text += f", with a chance of {chance} to beat the best so far, {number(self.best)}"
            if self.best_trial_id is not None:
                text += f" of trial {self.best_trial_id}"
            if self.improvement is not None:
                text += f" (expected improvement {number(self.improvement)})"
        return text + "."

    def to_series(self) -> pd.Series[Any]:
        """The hyperparameters (with `config_` before their names) and all that is expected."""
        import pandas as pd

        entries: dict[str, Any] = {
            f"config_{name}": value for name, value in (self.config or {}).items()
        }
        for name in ("by", "resumes", "level", "mean", "std", "probability", "improvement"):
            entries[name] = getattr(self, name)
        entries.update(kind=self.reason.get("kind"), explanation=self.explain())
        series: pd.Series[Any] = pd.Series(entries)
        return series

    def __str__(self) -> str:
        return self.explain()
