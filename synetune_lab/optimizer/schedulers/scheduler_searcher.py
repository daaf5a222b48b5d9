"""The base of schedulers that leave the choice of configurations to a searcher."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from synetune_lab.config_space import constant_entries, validate_config, validate_config_space
from synetune_lab.errors import InvalidConfigError, SchedulerError
from synetune_lab.optimizer.scheduler import TrialScheduler
from synetune_lab.optimizer.schedulers.arguments import find_max_resource, require_one_of
from synetune_lab.optimizer.schedulers.random_seeds import (
    RandomSeedGenerator,
    generate_random_seed,
)
from synetune_lab.optimizer.schedulers.searchers import BaseSearcher, searcher_factory

if TYPE_CHECKING:
    from synetune_lab.optimizer.scheduler import Config
    from synetune_lab.optimizer.schedulers.time_keeper import TimeKeeper
    from synetune_lab.trial import Trial

__all__ = ["SharedArguments", "TrialSchedulerWithSearcher"]

logger = logging.getLogger(__name__)


class SharedArguments(TypedDict, total=False):
    """Arguments that all schedulers with a searcher share, and that baselines pass on."""

    search_options: Mapping[str, Any] | None
    points_to_evaluate: Sequence[Mapping[str, Any]] | None
    random_seed: int | None
    max_resource_attr: str | None
    max_t: int | None
    time_keeper: TimeKeeper | None


class TrialSchedulerWithSearcher(TrialScheduler):
    """Base of schedulers that own a searcher, all random parts and the maximum resource.

    A subclass ends its constructor with `_connect_searcher`.

    Args:
        config_space: Configuration space.
        metric: Name of the metric, or several.
        mode: `min` or `max`, or one a metric.
        random_seed: Master seed, from which every random part gets its own. None draws one.
        max_resource_attr: Name of the constant in `config_space` that holds the maximum resource.
        max_t: The maximum resource, instead.
        time_keeper: Clock of the experiment, if it is known already.

    Raises:
        SchedulerError: If an argument is out of range.
        ConfigSpaceError: If `config_space` is not possible.
    """

    max_new_configs: int | None = None
    """So many configurations are drawn at most, then no more; None for no limit. Those that users
    enqueue, and copies of running trials, do not count."""
    _num_drawn = 0

    def __init__(
        self,
        config_space: Mapping[str, Any],
        *,
        metric: str | Sequence[str],
        mode: str | Sequence[str],
        random_seed: int | None,
        max_resource_attr: str | None,
        max_t: int | None,
        time_keeper: TimeKeeper | None,
    ) -> None:
        validate_config_space(config_space)
        super().__init__(config_space)
        self.metric, self.mode = _parse_metric_and_mode(metric, mode)
        self.max_resource_attr = max_resource_attr
        self._max_resource_level = find_max_resource(config_space, max_resource_attr, max_t)
        if random_seed is None:
            random_seed = generate_random_seed()
            logger.info("random_seed=%d was drawn for this scheduler", random_seed)
        self.random_seed = random_seed
        self.random_seed_generator = RandomSeedGenerator(random_seed)
        self.time_keeper = time_keeper
        self._started = False
        self._constants = constant_entries(config_space)
        self._searcher: BaseSearcher

    def _connect_searcher(
        self,
        searcher: str | BaseSearcher,
        search_options: Mapping[str, Any] | None,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None,
        **context: Any,
    ) -> None:
        """Make the searcher if it was named, and let it adapt itself to this scheduler."""
        if isinstance(searcher, str):
            own: dict[str, Any] = {
                "config_space": self.config_space,
                "metric": self.metric,
                "mode": self.mode,
                "points_to_evaluate": points_to_evaluate,
                "random_seed_generator": self.random_seed_generator,
            }
            options = _parse_search_options(search_options, own)
            searcher = searcher_factory(searcher, **own, **{**context, **options})
        else:
            _refuse_beside_searcher(searcher, search_options, points_to_evaluate)
        self._searcher = searcher
        searcher.configure_scheduler(self)

    @property
    def searcher(self) -> BaseSearcher:
        """The searcher that suggests configurations."""
        return self._searcher

    @property
    def max_resource_level(self) -> int | None:
        """The maximum resource of a trial, if it is known."""
        return self._max_resource_level

    def set_time_keeper(self, time_keeper: TimeKeeper) -> None:
        """Give the clock of the experiment, before its first suggestion.

        Raises:
            SchedulerError: If there is a clock already, or suggestions were made.
        """
        if self.time_keeper is not None:
            raise SchedulerError("the scheduler has a time keeper already")
        if self._started:
            raise SchedulerError("a time keeper must be given before the first suggestion")
        self.time_keeper = time_keeper

    def _draw_config(self, trial_id: int, **context: Any) -> Config | None:
        """A configuration from the searcher, with the constants of the space."""
        self._started = True
        if self.max_new_configs is not None and self._num_drawn >= self.max_new_configs:
            return None
        config = self._searcher.get_config(trial_id=str(trial_id), **context)
        if config is None:
            return None
        self._num_drawn += 1
        if not type(self._searcher).__module__.startswith("synetune_lab."):
            self._check_config(config)
        return {**config, **self._constants}

    def _check_config(self, config: Any) -> None:
        """Check what a searcher of the user's own suggests.

        Raises:
            SchedulerError: If it is not in the space.
        """
        name = type(self._searcher).__name__
        if not isinstance(config, Mapping):
            raise SchedulerError(f"{name}.get_config must return a dictionary, got {config!r}")
        try:
            validate_config({**config, **self._constants}, self.config_space)
        except InvalidConfigError as error:
            raise SchedulerError(f"{name}.get_config returned {dict(config)}: {error}") from error

    def on_trial_error(self, trial: Trial) -> None:
        """The trial failed, which the searcher is told."""
        self._searcher.evaluation_failed(str(trial.trial_id))
        self._searcher.exclude_config(trial.config)
        logger.info("trial %d failed with %s", trial.trial_id, trial.config)

    def on_trial_complete(self, trial: Trial, result: dict[str, Any]) -> None:
        """The trial ended by itself; the searcher learns from its last report, if there is one."""
        name = str(trial.trial_id)
        if result:
            self._searcher.on_trial_result(name, trial.config, result=result, update=True)
        self._searcher.cleanup_pending(name)

    def metric_names(self) -> list[str]:
        """See `TrialScheduler.metric_names`."""
        return [self.metric] if isinstance(self.metric, str) else list(self.metric)

    def metric_mode(self) -> str | list[str]:
        """See `TrialScheduler.metric_mode`."""
        return self.mode

    def is_multiobjective_scheduler(self) -> bool:
        """See `TrialScheduler.is_multiobjective_scheduler`."""
        return not isinstance(self.metric, str)

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Draw from another space from now on; what the searcher learnt is its own to adapt.

        Args:
            config_space: The whole new space.
            defaults: Values that earlier trials count as having, for new hyperparameters.

        Returns:
            The searcher's account (see `TrialScheduler.edit_space`).

        Raises:
            ConfigSpaceError: If the space is not possible.
            SchedulerError: If the searcher cannot, or the maximum resource would change.
        """
        validate_config_space(config_space)
        self._check_same_max_resource(config_space)
        report = self._searcher.edit_space(config_space, defaults)
        self.config_space = dict(config_space)
        self._constants = constant_entries(config_space)
        return report.to_json()

    def _check_same_max_resource(self, config_space: Mapping[str, Any]) -> None:
        name = self.max_resource_attr
        if name is None or config_space.get(name) == self.config_space[name]:
            return
        raise SchedulerError(
            f"{name!r} holds the maximum resource ({self.config_space[name]}), which can't change "
            f"during a run; got {config_space.get(name, 'a space without it')}"
        )


def _parse_metric_and_mode(
    metric: Any, mode: str | Sequence[str]
) -> tuple[str | list[str], str | list[str]]:
    if isinstance(metric, str):
        if not metric:
            raise SchedulerError("metric must be the name of a reported value, got an empty text")
        return metric, require_one_of("mode", mode, ("min", "max"))
    if not isinstance(metric, Sequence) or not all(isinstance(m, str) and m for m in metric):
        raise SchedulerError(f"metric must be a name or a list of names, got {metric!r}")
    if not metric or len(set(metric)) < len(metric):
        raise SchedulerError(f"metric must list different names, at least one; got {metric!r}")
    if isinstance(mode, str):
        return list(metric), require_one_of("mode", mode, ("min", "max"))
    if len(mode) != len(metric):
        raise SchedulerError(
            f"mode must hold one entry a metric, got {len(mode)} for {len(metric)} metrics"
        )
    return list(metric), [require_one_of("mode", m, ("min", "max")) for m in mode]


def _parse_search_options(
    search_options: Mapping[str, Any] | None, own: Iterable[str]
) -> dict[str, Any]:
    if search_options is None:
        return {}
    if not isinstance(search_options, Mapping):
        raise SchedulerError(f"search_options must be a dictionary, got {search_options!r}")
    for name in own:
        if name in search_options:
            raise SchedulerError(
                f"search_options: {name!r} is an argument of the scheduler itself, or comes from it"
            )
    return dict(search_options)


def _refuse_beside_searcher(
    searcher: Any,
    search_options: Mapping[str, Any] | None,
    points_to_evaluate: Sequence[Mapping[str, Any]] | None,
) -> None:
    if not isinstance(searcher, BaseSearcher):
        raise SchedulerError(
            f"searcher must be the name of a searcher or a BaseSearcher, got {searcher!r}"
        )
    for name, value in (
        ("search_options", search_options),
        ("points_to_evaluate", points_to_evaluate),
    ):
        if value is not None:
            raise SchedulerError(
                f"{name} goes with a searcher given by name; pass it to "
                f"{type(searcher).__name__} instead"
            )
