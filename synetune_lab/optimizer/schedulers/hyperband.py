"""Asynchronous successive halving and Hyperband."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from synetune_lab.errors import SchedulerError
from synetune_lab.optimizer.scheduler import SchedulerDecision, TrialSuggestion
from synetune_lab.optimizer.schedulers.arguments import refuse_unknown_arguments
from synetune_lab.optimizer.schedulers.bracket_distribution import (
    DefaultHyperbandBracketDistribution,
)
from synetune_lab.optimizer.schedulers.brackets import HyperbandBracketManager
from synetune_lab.optimizer.schedulers.checkpoint_removal import parse_checkpoint_removal
from synetune_lab.optimizer.schedulers.hyperband_options import parse_hyperband_options
from synetune_lab.optimizer.schedulers.hyperband_trials import HyperbandTrials
from synetune_lab.optimizer.schedulers.reports import read_number, read_resource
from synetune_lab.optimizer.schedulers.rungs.system import RungSystemSettings
from synetune_lab.optimizer.schedulers.scheduler_searcher import (
    SharedArguments,
    TrialSchedulerWithSearcher,
)
from synetune_lab.optimizer.schedulers.searcher_feed import SearcherFeed

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.bracket_distribution import BracketDistribution
    from synetune_lab.optimizer.schedulers.rungs import RungSystem
    from synetune_lab.optimizer.schedulers.searchers import BaseSearcher
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["HyperbandArguments", "HyperbandScheduler", "is_continue_decision"]


class HyperbandArguments(SharedArguments, total=False):
    """Arguments of `HyperbandScheduler` that baselines pass on."""

    mode: str
    grace_period: int
    reduction_factor: float | None
    rung_increment: int | None
    rung_levels: Sequence[int] | None
    brackets: int
    cost_attr: str | None
    searcher_data: str
    register_pending_myopic: bool
    rung_system_per_bracket: bool
    do_snapshots: bool
    rung_system_kwargs: Mapping[str, Any] | None
    early_checkpoint_removal_kwargs: Mapping[str, Any] | None
    bracket_distribution: BracketDistribution | None


class HyperbandScheduler(TrialSchedulerWithSearcher):
    """Judges trials at rung levels of their resource, as their reports come in.

    Each report must hold the metric and the resource, a positive integer that counts what was
    spent so far (epochs done, from 1). Rungs sit at `grace_period` · `reduction_factor` ** j; a
    trial is judged at the first report at or beyond its next rung level, at the highest level that
    it has reached, so that a script may report every few epochs. From a rung at level r, below one
    at r', a fraction r / r' of trials goes on. A report that repeats a resource (after a restart
    from an older checkpoint, or from scratch) is passed over. A metric that is not a number counts
    as worse than any other, and ends a trial at the next rung.

    Args:
        config_space: Configuration space.
        metric: Name of the reported metric.
        searcher: See `FIFOScheduler`.
        search_options: See `FIFOScheduler`.
        mode: `min` (default) or `max`.
        points_to_evaluate: See `FIFOScheduler`.
        random_seed: See `FIFOScheduler`.
        max_resource_attr: Name of the constant in `config_space` that holds the maximum resource.
            Types that pause trials write the next level there, so that the script ends by itself.
        max_t: The maximum resource, instead. If neither is given, a constant `epochs`, `max_t` or
            `max_epochs` is looked for.
        time_keeper: See `FIFOScheduler`.
        resource_attr: Name of the resource in reports.
        grace_period: The lowest rung level.
        reduction_factor: Ratio of successive levels, at least 2. None: 3, unless `rung_increment`
            or `rung_levels` is given.
        rung_increment: Distance of successive levels, instead of a ratio.
        rung_levels: The levels themselves, strictly increasing, instead of the three above.
        brackets: Number of brackets; bracket b leaves the b lowest rungs out. With 1 this is
            asynchronous successive halving.
        type: `stopping` (judged trials go on at once or are stopped), `promotion` (they pause, and
            go on when a worker is free), another name of `rungs.RUNG_SYSTEMS`, or a subclass of
            `rungs.RungSystem`.
        cost_attr: Name of the reported cost since the trial was started or resumed last. Then the
            searcher and the rungs get the total as `total_{cost_attr}` as well.
        searcher_data: What the searcher learns from: `rungs` (reports at rung levels), `all`, or
            `rungs_and_last` (those at rung levels and the newest).
        register_pending_myopic: Announce only the next report to the searcher, not all up to the
            next rung level. Without effect for `searcher_data="rungs"`.
        rung_system_per_bracket: Whether trials compete only inside of their bracket.
        do_snapshots: Whether `searcher.get_config` gets a `snapshot` of the running tasks and the
            rungs; only for `type="stopping"`.
        rung_system_kwargs: Options of the type; `cost_attr` may also be given here.
        early_checkpoint_removal_kwargs: Options of `CheckpointRemovalOptions`, to keep at most
            `max_num_checkpoints` checkpoints. Takes effect with a backend that deletes checkpoints.
        bracket_distribution: How brackets are drawn. None: as the searcher says, else proportional
            to the numbers of trials that synchronous Hyperband starts.
        unknown: Nothing: any other argument is refused by name.

    Raises:
        SchedulerError: If an argument is unknown, out of range, or does not go with the others.
        ConfigSpaceError: If `config_space` is not possible.
    """

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str,
        searcher: str | BaseSearcher = "random",
        search_options: Mapping[str, Any] | None = None,
        mode: str = "min",
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        random_seed: int | None = None,
        max_resource_attr: str | None = None,
        max_t: int | None = None,
        time_keeper: TimeKeeper | None = None,
        resource_attr: str = "epoch",
        grace_period: int = 1,
        reduction_factor: float | None = None,
        rung_increment: int | None = None,
        rung_levels: Sequence[int] | None = None,
        brackets: int = 1,
        type: str | type[RungSystem] = "stopping",  # noqa: A002 - the documented name
        cost_attr: str | None = None,
        searcher_data: str = "rungs",
        register_pending_myopic: bool = False,
        rung_system_per_bracket: bool = False,
        do_snapshots: bool = False,
        rung_system_kwargs: Mapping[str, Any] | None = None,
        early_checkpoint_removal_kwargs: Mapping[str, Any] | None = None,
        bracket_distribution: BracketDistribution | None = None,
        **unknown: NoReturn,
    ) -> None:
        refuse_unknown_arguments(self.__class__, unknown)
        if not isinstance(metric, str):
            raise SchedulerError(f"metric must be one name for this scheduler, got {metric!r}")
        super().__init__(
            config_space,
            metric=metric,
            mode=mode,
            random_seed=random_seed,
            max_resource_attr=max_resource_attr,
            max_t=max_t,
            time_keeper=time_keeper,
        )
        self._options = parse_hyperband_options(
            max_t=self._max_resource_level,
            resource_attr=resource_attr,
            grace_period=grace_period,
            reduction_factor=reduction_factor,
            rung_increment=rung_increment,
            rung_levels=rung_levels,
            brackets=brackets,
            type_=type,
            cost_attr=cost_attr,
            searcher_data=searcher_data,
            register_pending_myopic=register_pending_myopic,
            rung_system_per_bracket=rung_system_per_bracket,
            do_snapshots=do_snapshots,
            rung_system_kwargs=rung_system_kwargs,
        )
        self.checkpoint_removal = parse_checkpoint_removal(
            early_checkpoint_removal_kwargs, self.does_pause_resume(), self._options.type_name
        )
        self._connect_searcher(
            searcher,
            search_options,
            points_to_evaluate,
            scheduler="hyperband",
            resource_attr=resource_attr,
            max_epochs=self.max_resource_level,
        )
        self._metric_name = metric
        self._suggested = False  # whether the last call drew a new configuration
        self._last_reason: dict[str, Any] | None = None
        self.terminator = self._make_brackets(len(points_to_evaluate or ()))
        self._trials = HyperbandTrials(
            self._options,
            self.terminator,
            SearcherFeed(self._searcher, searcher_data, resource_attr, register_pending_myopic),
            max_resource_attr if self.does_pause_resume() else None,
            max_resource_attr is not None,
        )
        if bracket_distribution is None:
            bracket_distribution = getattr(self._searcher, "bracket_distribution", None)
        if bracket_distribution is None:
            bracket_distribution = DefaultHyperbandBracketDistribution()
        bracket_distribution.configure(self)
        self.terminator.set_distribution(bracket_distribution)

    def _make_brackets(self, num_points_to_evaluate: int) -> HyperbandBracketManager:
        options = self._options
        settings = RungSystemSettings(
            rung_levels=options.rung_levels,
            promote_quantiles=options.promote_quantiles,
            metric=self._metric_name,
            mode=str(self.mode),
            resource_attr=options.resource_attr,
            max_t=options.max_t,
            cost_attr=options.cost_attr,
            options=options.system_options,
            num_points_to_evaluate=num_points_to_evaluate,
            searcher=self._searcher,
            draw_seed=self.random_seed_generator,
        )
        return HyperbandBracketManager(
            options.system_class,
            settings,
            options.brackets,
            options.rung_system_per_bracket,
            self.random_seed_generator(),
        )

    # What it is

    def does_pause_resume(self) -> bool:
        """Whether trials pause at rungs and may be resumed."""
        return self._options.system_class.pauses_trials

    @property
    def rung_levels(self) -> list[int]:
        """Rung levels in ascending order, without the maximum resource."""
        return list(self._options.rung_levels)

    @property
    def rung_systems(self) -> tuple[RungSystem, ...]:
        """The rung systems: one, or one a bracket."""
        return self.terminator.rung_systems

    @property
    def reduction_factor(self) -> float | None:
        """Ratio of successive rung levels; None if they are not geometric."""
        return self._options.reduction_factor

    @property
    def num_brackets(self) -> int:
        """Number of brackets."""
        return self._options.brackets

    @property
    def resource_attr(self) -> str:
        """Name of the resource in reports."""
        return self._options.resource_attr

    @property
    def searcher_data(self) -> str:
        """Which reports the searcher learns from."""
        return self._options.searcher_data

    @property
    def cost_attr(self) -> str | None:
        """Name of the cost in reports, if there is one."""
        return self._options.cost_attr

    def describe(self) -> dict[str, Any]:
        """See `TrialScheduler.describe`; `rung_levels` has one list a rung system."""
        options = self._options
        return {
            **super().describe(),
            "type": options.type_name,
            "resource_attr": options.resource_attr,
            "max_resource": options.max_t,
            "reduction_factor": options.reduction_factor,
            "rung_levels": self.terminator.rung_levels(),
            "pauses_trials": self.does_pause_resume(),
            "brackets": options.brackets,
            "cost_attr": options.cost_attr,
        }

    def reason(self) -> dict[str, Any] | None:
        """See `TrialScheduler.reason`; `bracket` is the number of the rung system."""
        if not self._suggested:
            return self._last_reason
        reason = self._searcher.explain_last()
        return reason if self.num_brackets == 1 else {**reason, **(self._last_reason or {})}

    # What it decides

    def _suggest(self, trial_id: int) -> TrialSuggestion | None:
        promotion, context = self.terminator.on_task_schedule(trial_id)
        self._suggested = False
        if promotion is not None:
            config, self._last_reason = self._trials.promote(promotion)
            return TrialSuggestion(False, promotion.standing.trial_id, config)
        bracket: int = context["bracket"]
        if self._options.do_snapshots:
            context["snapshot"] = self._trials.snapshot(bracket)
        drawn = self._draw_config(trial_id, **context)
        self._last_reason = None
        if drawn is None:
            return None
        self._suggested = True
        self._last_reason = {"bracket": bracket}
        return TrialSuggestion(True, None, self._trials.start(trial_id, bracket, drawn))

    def on_trial_add(self, trial: Trial) -> None:
        """A trial was started; one that was not suggested here joins bracket 0."""
        self._trials.add(trial.trial_id, trial.config)

    def on_trial_result(self, trial: Trial, result: dict[str, Any]) -> str:
        """Judge a report, if the trial has reached its next milestone.

        Returns:
            `CONTINUE` between rungs and for a trial that goes on; else `PAUSE`, if it may go on
            later, or `STOP`.

        Raises:
            InvalidReportError: If metric, resource or cost is missing or has a wrong type; the
                report has no effect then.
        """
        options, trial_id = self._options, trial.trial_id
        resource = read_resource(trial_id, result, options.resource_attr)
        value = read_number(trial_id, result, self._metric_name)
        if options.cost_attr is not None:
            read_number(trial_id, result, options.cost_attr)
        self._suggested = False
        decision, self._last_reason = self._trials.report(
            trial_id, trial.config, resource, value, result
        )
        return decision

    def on_trial_remove(self, trial: Trial) -> None:
        """The trial was paused or stopped, by this scheduler or by the user.

        A paused trial that is removed once more was stopped or put aside by the user, and is not
        promoted any more.
        """
        self._trials.remove(trial.trial_id)

    def on_trial_resumed_by_user(self, trial: Trial) -> Config | None:
        """The user lets a paused trial go on; at a rung, this counts as its promotion.

        Returns:
            Its configuration with the new milestone as the maximum resource, for types that pause
            trials and with `max_resource_attr`; else None.
        """
        return self._trials.resume_by_user(trial.trial_id, trial.config)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:  # noqa: ARG002
        """The trial ended by itself before it was told to; its reports were handled as they came.

        One that was told to pause stays paused: a script that is given its milestone ends by
        itself there.
        """
        self._trials.complete(trial.trial_id)

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed: it is taken out of all rungs, and its configuration is not repeated."""
        super().on_trial_error(trial)
        self._trials.fail(trial.trial_id)


def is_continue_decision(trial_decision: str) -> bool:
    """Whether a decision lets the trial go on."""
    return trial_decision == SchedulerDecision.CONTINUE
