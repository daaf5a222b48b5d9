"""The way of each trial through the rungs of asynchronous Hyperband."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from synetune_lab.optimizer.scheduler import SchedulerDecision
from synetune_lab.optimizer.schedulers.trial_table import (
    ENDED,
    PAUSING,
    RUNNING,
    UNKNOWN,
    WAITING,
    TrialTable,
)
from synetune_lab.utils.packed_configs import PackedConfigs

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.brackets import HyperbandBracketManager
    from synetune_lab.optimizer.schedulers.hyperband_options import HyperbandOptions
    from synetune_lab.optimizer.schedulers.rungs import Promotion, Standing
    from synetune_lab.optimizer.schedulers.searcher_feed import SearcherFeed

__all__ = ["HyperbandTrials"]

Reason = dict[str, Any]


class HyperbandTrials:
    """Follows trials from milestone to milestone: start, reports, pause, resume, end.

    Args:
        options: The scheduler's options.
        brackets: The brackets with their rung systems.
        feed: What the searcher is told through.
        milestone_name: Entry of configurations that is to hold the trial's next milestone; None to
            leave configurations as they are.
        script_knows_max: Whether the maximum resource is in each configuration, so that the script
            ends there by itself.
    """

    def __init__(
        self,
        options: HyperbandOptions,
        brackets: HyperbandBracketManager,
        feed: SearcherFeed,
        milestone_name: str | None,
        script_knows_max: bool,
    ) -> None:
        self._max_t = options.max_t
        self._cost_attr = options.cost_attr
        self._brackets = brackets
        self._feed = feed
        self._milestone_name = milestone_name
        self._script_knows_max = script_knows_max
        self._table = TrialTable()
        # What to resume trials with, if their milestone is written there.
        self._configs = PackedConfigs()

    # Start and resume

    def start(self, trial_id: int, bracket: int, config: Config) -> Config:
        """Take a new trial in; the configuration to start it with."""
        table = self._table
        if table.state_of(trial_id) != UNKNOWN:
            # Its number was suggested before, and nothing came of it.
            self._brackets.system(table.bracket[trial_id]).forget(trial_id)
        milestone = self._brackets.first_milestone(bracket)
        table.start(trial_id, bracket, milestone)
        self._brackets.system(bracket).on_task_add(trial_id, None)
        self._feed.expect(trial_id, config, 0, milestone)
        if self._milestone_name is None:
            return config
        self._configs.put(trial_id, dict(config))
        self._configs.rest(())
        return {**config, self._milestone_name: milestone}

    def add(self, trial_id: int, config: Config) -> None:
        """A trial was started, by whomever."""
        if self._table.state_of(trial_id) == UNKNOWN:
            self.start(trial_id, 0, config)

    def promote(self, promotion: Promotion) -> tuple[Config | None, Reason]:
        """Let a waiting trial go on.

        Returns:
            The configuration to resume it with (None: as it was), and the reason.
        """
        rung, standing = promotion
        trial_id = standing.trial_id
        milestone = self._go_on_from(trial_id, rung.level)
        self._feed.expect(trial_id, None, self._table.seen[trial_id], milestone)
        reason = {
            "kind": "promoted",
            "bracket": self._brackets.system_index(self._table.bracket[trial_id]),
            "level": rung.level,
            "to_level": milestone,
            **_standing_to_json(standing),
        }
        return self._config_up_to(trial_id, milestone), reason

    def resume_by_user(self, trial_id: int, config: Config) -> Config | None:
        """Let a trial go on, wherever it paused; the configuration to resume it with."""
        table = self._table
        state = table.state_of(trial_id)
        if state in (UNKNOWN, ENDED):
            return None
        if state != RUNNING:
            self._brackets.system(table.bracket[trial_id]).resume_by_user(trial_id)
            self._go_on_from(trial_id, table.milestone[trial_id])
        milestone = table.milestone[trial_id]
        self._feed.expect(trial_id, config, table.seen[trial_id], milestone)
        return self._config_up_to(trial_id, milestone)

    def _go_on_from(self, trial_id: int, level: int) -> int:
        """A trial leaves the rung where it waited; its next milestone."""
        system = self._brackets.system(self._table.bracket[trial_id])
        milestone = system.next_milestone(level)
        self._table.resume(trial_id, milestone)
        system.on_task_add(trial_id, level)
        return milestone

    def _config_up_to(self, trial_id: int, milestone: int) -> Config | None:
        if self._milestone_name is None:
            return None
        return {**self._configs[trial_id], self._milestone_name: milestone}

    # Reports

    def report(
        self, trial_id: int, config: Config, resource: int, value: float, result: dict[str, Any]
    ) -> tuple[str, Reason | None]:
        """Take a report in.

        Returns:
            The decision and its reason.
        """
        table = self._table
        state = table.state_of(trial_id)
        if state != RUNNING:
            if state == ENDED:
                return SchedulerDecision.STOP, None
            if state != UNKNOWN:  # a late report, after it was told to pause
                return SchedulerDecision.PAUSE, None
            self.start(trial_id, 0, config)
        if resource <= table.seen[trial_id]:
            # It began anew from an older checkpoint, or from scratch with all its costs again.
            table.cost_offset[trial_id] = 0.0
            return SchedulerDecision.CONTINUE, None
        table.seen[trial_id] = resource
        if self._cost_attr is not None:
            result = self._with_total_cost(trial_id, result)
        system = self._brackets.system(table.bracket[trial_id])
        system.on_task_report(trial_id, resource, result)
        at_rung = resource >= table.milestone[trial_id]
        self._feed.report(trial_id, config, result, at_rung)
        if at_rung:
            return self._judge(trial_id, config, resource, value, result)
        self._feed.between_rungs(trial_id, config, resource)
        return SchedulerDecision.CONTINUE, None

    def _with_total_cost(self, trial_id: int, result: dict[str, Any]) -> dict[str, Any]:
        table = self._table
        total = table.cost_offset[trial_id] + float(result[self._cost_attr or ""])
        table.cost[trial_id] = total
        return {**result, f"total_{self._cost_attr}": total}

    def _judge(
        self, trial_id: int, config: Config, resource: int, value: float, result: dict[str, Any]
    ) -> tuple[str, Reason]:
        """Decide on a trial that has reached its milestone."""
        table = self._table
        bracket = table.bracket[trial_id]
        index = self._brackets.system_index(bracket)
        if resource >= self._max_t:
            self._end(trial_id)
            reason = {
                "kind": "max_resource",
                "bracket": index,
                "level": self._max_t,
                "value": _finite(value),
                "ends_by_itself": self._script_knows_max,
            }
            return SchedulerDecision.STOP, reason
        system = self._brackets.system(bracket)
        rung = system.rung_reached(resource)
        goes_on, standing = system.decide(rung, trial_id, value, result)
        reason = {
            "kind": "rung",
            "bracket": index,
            "level": rung.level,
            "goes_on": goes_on,
            **_standing_to_json(standing),
        }
        if goes_on:
            milestone = system.next_milestone(rung.level)
            table.milestone[trial_id] = milestone
            self._feed.expect(trial_id, config, resource, milestone)
            return SchedulerDecision.CONTINUE, reason
        if system.pauses_trials and value == value:
            table.state[trial_id] = PAUSING
            table.milestone[trial_id] = rung.level
            self._feed.ended(trial_id)
            return SchedulerDecision.PAUSE, reason
        self._end(trial_id)
        return SchedulerDecision.STOP, reason

    # Ends

    def remove(self, trial_id: int) -> None:
        """A trial was paused or stopped, by whomever."""
        table = self._table
        state = table.state_of(trial_id)
        if state == PAUSING:
            table.state[trial_id] = WAITING
        elif state == WAITING:
            self._brackets.system(table.bracket[trial_id]).release(trial_id)
        elif state == RUNNING:
            table.close_cost(trial_id)
            self._feed.ended(trial_id)

    def complete(self, trial_id: int) -> None:
        """A trial ended by itself."""
        if self._table.state_of(trial_id) == RUNNING:
            self._end(trial_id)

    def fail(self, trial_id: int) -> None:
        """A trial failed."""
        if self._table.state_of(trial_id) != UNKNOWN:
            self._brackets.system(self._table.bracket[trial_id]).forget(trial_id)
            self._end(trial_id)

    def _end(self, trial_id: int) -> None:
        """Nothing of the trial is to come."""
        self._table.state[trial_id] = ENDED
        self._configs.drop(trial_id)
        self._feed.ended(trial_id)
        self._brackets.system(self._table.bracket[trial_id]).on_task_remove(trial_id)

    # Views

    def snapshot(self, bracket: int) -> dict[str, Any]:
        """Running tasks and the rungs of a bracket."""
        table = self._table
        tasks = {
            str(trial_id): {
                "bracket": table.bracket[trial_id],
                "resource": table.seen[trial_id],
                "milestone": table.milestone[trial_id],
            }
            for trial_id in table.running()
        }
        return {"tasks": tasks, "rungs": self._brackets.snapshot_rungs(bracket)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _standing_to_json(standing: Standing) -> dict[str, Any]:
    return {
        "value": _finite(standing.value),
        "cutoff": _finite(standing.cutoff),
        "rank": standing.rank,
        "size": standing.size,
    }
