"""Rules of users by which trials, or the whole run, are stopped."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from synetune_lab.errors import TuneError
from synetune_lab.tune.checks import as_seconds, check_count, check_mode, check_number

__all__ = [
    "CombinedStopper",
    "ExperimentPlateauStopper",
    "FunctionStopper",
    "MaximumIterationStopper",
    "NoopStopper",
    "Stopper",
    "TimeoutStopper",
    "TrialPlateauStopper",
]


class Stopper:
    """Sees the results of all trials. Subclass it to stop some of them, or the run."""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Whether to stop the trial that has just reported."""
        raise NotImplementedError

    def stop_all(self) -> bool:
        """Whether to end the run."""
        return False


class FunctionStopper(Stopper):
    """Stops trials as a function says.

    Args:
        function: Gets the id of a trial and its result.
    """

    def __init__(self, function: Callable[[str, dict[str, Any]], bool]) -> None:
        self.function = function

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        return bool(self.function(trial_id, result))


class MaximumIterationStopper(Stopper):
    """Stops each trial after so many iterations.

    Args:
        max_iter: The number.
    """

    def __init__(self, max_iter: int) -> None:
        check_count("MaximumIterationStopper: max_iter", max_iter, least=1)
        self.max_iter = max_iter

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        del trial_id
        return bool(result["training_iteration"] >= self.max_iter)


class TrialPlateauStopper(Stopper):
    """Stops a trial whose metric has not moved for some results.

    Args:
        metric: Name of the metric.
        std: It stands still if its standard deviation is at most this.
        num_results: Over so many results.
        grace_period: Not before so many results.
        metric_threshold: Only a trial whose value has come up to this; None for any.
        mode: `min` or `max`, which says what that means; only with `metric_threshold`.
    """

    def __init__(
        self,
        metric: str,
        std: float = 0.01,
        num_results: int = 4,
        grace_period: int = 4,
        metric_threshold: float | None = None,
        mode: str | None = None,
    ) -> None:
        check_number("TrialPlateauStopper: std", std)
        check_count("TrialPlateauStopper: num_results", num_results, least=1)
        if metric_threshold is not None:
            check_mode(mode, "TrialPlateauStopper: metric_threshold needs a mode; ")
        self.metric_threshold = metric_threshold
        self.mode = mode
        self.metric = metric
        self.std = std
        self.num_results = num_results
        self.grace_period = grace_period
        self._seen: dict[str, deque[float]] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        seen = self._seen.setdefault(trial_id, deque(maxlen=self.num_results))
        seen.append(_value_in(result, self.metric))
        count = self._counts[trial_id] = self._counts.get(trial_id, 0) + 1
        if count < self.grace_period or len(seen) < self.num_results:
            return False
        sign = -1.0 if self.mode == "max" else 1.0
        bound = self.metric_threshold
        if bound is not None and sign * seen[-1] > sign * bound:
            return False
        return statistics.pstdev(seen) <= self.std


class CombinedStopper(Stopper):
    """Stops what one of several stoppers stops.

    Args:
        stoppers: The stoppers.
    """

    def __init__(self, *stoppers: Stopper) -> None:
        self.stoppers = stoppers

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        # Each is asked, for it may keep count.
        answers = [stopper(trial_id, result) for stopper in self.stoppers]
        return any(answers)

    def stop_all(self) -> bool:
        """See `Stopper`."""
        return any(stopper.stop_all() for stopper in self.stoppers)


class NoopStopper(Stopper):
    """Stops nothing."""

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        del trial_id, result
        return False


class TimeoutStopper(Stopper):
    """Ends the run after a time, which begins when the stopper is first asked.

    Args:
        timeout: Seconds, or a `timedelta`.
        clock: Tells seconds.
    """

    def __init__(self, timeout: float | timedelta, clock: Callable[[], float] = time.time) -> None:
        self.timeout_s = as_seconds("TimeoutStopper: timeout", timeout)
        self._clock = clock
        self._since: float | None = None

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        del trial_id, result
        return False

    def stop_all(self) -> bool:
        """See `Stopper`."""
        now = self._clock()
        if self._since is None:
            self._since = now
        return self.timeout_s is not None and now - self._since >= self.timeout_s


class ExperimentPlateauStopper(Stopper):
    """Ends the run when the best values of all trials do not get better any more.

    Args:
        metric: Name of the metric.
        std: They stand still if their standard deviation is at most this.
        top: So many best values are looked at.
        mode: `min` or `max`.
        patience: They must stand still for so many results on end.
    """

    def __init__(
        self, metric: str, std: float = 0.001, top: int = 10, mode: str = "min", patience: int = 0
    ) -> None:
        check_number("ExperimentPlateauStopper: std", std)
        check_count("ExperimentPlateauStopper: top", top, least=2)
        check_count("ExperimentPlateauStopper: patience", patience, least=0)
        check_mode(mode, "ExperimentPlateauStopper: ")
        self.metric = metric
        self.std = std
        self.top = top
        self.mode = mode
        self.patience = patience
        self._best: list[float] = []
        self._still = 0

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """See `Stopper`."""
        del trial_id
        self._best.append(_value_in(result, self.metric))
        self._best.sort(reverse=self.mode == "max")
        del self._best[self.top :]
        stands = len(self._best) == self.top and statistics.pstdev(self._best) <= self.std
        self._still = self._still + 1 if stands else 0
        return self.stop_all()

    def stop_all(self) -> bool:
        """See `Stopper`."""
        return self._still >= max(1, self.patience)


def _value_in(result: dict[str, Any], metric: str) -> float:
    if metric not in result:
        raise TuneError(
            f"the stopper needs {metric!r}, which was not reported; reported were {sorted(result)}"
        )
    return float(result[metric])
