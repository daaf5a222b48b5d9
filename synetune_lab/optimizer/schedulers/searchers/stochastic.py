"""Searchers that draw random numbers, and those that avoid repeating themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from synetune_lab.config_space import remove_constant_and_cast, validate_config
from synetune_lab.config_space.keys import ConfigKeyer
from synetune_lab.errors import InvalidConfigError, SchedulerError
from synetune_lab.optimizer.schedulers.searchers.base import BaseSearcher, Config, SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.blocks import ConfigBlocks

if TYPE_CHECKING:
    from synetune_lab.config_space.ranges import HyperparameterRanges
    from synetune_lab.optimizer.schedulers.searchers.exclusion import ExclusionList

__all__ = [
    "StochasticAndFilterDuplicatesSearcher",
    "StochasticSearcher",
    "extract_random_seed",
    "sample_random_configuration",
]

# Draws of one configuration before a space counts as exhausted.
_MAX_DRAWS = 1000


def extract_random_seed(**kwargs: Any) -> tuple[int, dict[str, Any]]:
    """The seed that keyword arguments ask for, and the other arguments.

    `random_seed_generator()` is used if given, else `random_seed`, else a seed is drawn.
    """
    rest = dict(kwargs)
    generator = rest.pop("random_seed_generator", None)
    seed = rest.pop("random_seed", None)
    if generator is not None:
        seed = generator()
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise SchedulerError(f"random_seed={seed!r} must be a whole number of [0, 2**32)")
    return int(seed), rest


def sample_random_configuration(
    hp_ranges: HyperparameterRanges,
    random_state: np.random.RandomState,
    exclusion_list: ExclusionList | None = None,
) -> Config | None:
    """Draw a configuration that is not on a list; None if the space is exhausted."""
    for _ in range(_MAX_DRAWS):
        if exclusion_list is not None and exclusion_list.config_space_exhausted():
            return None
        config = hp_ranges.random_config(random_state)
        if exclusion_list is None or not exclusion_list.contains(config):
            return config
    return None


class StochasticSearcher(BaseSearcher):
    """Base class of searchers that draw random numbers.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        mode: See `BaseSearcher`.
        random_seed: Seed of `random_state`; None draws one.
        random_seed_generator: Called for the seed, instead of `random_seed`.

    Attributes:
        random_seed: The seed.
        random_state: Source of all random draws of the searcher.
    """

    _STATE: ClassVar[tuple[str, ...]] = (*BaseSearcher._STATE, "random_state")

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str | Sequence[str],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        *,
        mode: str | Sequence[str] = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(config_space, metric, points_to_evaluate, mode)
        self.random_seed, _ = extract_random_seed(
            random_seed=random_seed, random_seed_generator=random_seed_generator
        )
        self.random_state = np.random.RandomState(self.random_seed)

    def set_random_state(self, random_state: np.random.RandomState) -> None:
        """Draw from another source from now on, as one shared with another searcher."""
        self.random_state = random_state


class StochasticAndFilterDuplicatesSearcher(StochasticSearcher):
    """Base class of searchers that do not suggest a configuration twice.

    A subclass implements `_get_config`. It asks `should_not_suggest`, or draws with
    `_get_random_config`, which has asked already.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        allow_duplicates: Whether a configuration may come again. Those of failed trials never do.
            None stands for False.
        restrict_configurations: If given, only these are suggested, and `points_to_evaluate` is
            filtered to them. Without duplicates each is used up once suggested. It must not be
            empty.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticSearcher._STATE,
        "_keyer",
        "_excluded",
        "_blocks",
        "_key_of_trial",
        "_restricted",
        "_restricted_position",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str | Sequence[str],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        allow_duplicates: bool | None = None,
        restrict_configurations: Sequence[Mapping[str, Any]] | None = None,
        *,
        mode: str | Sequence[str] = "min",
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            points_to_evaluate,
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        self._allow_duplicates = bool(allow_duplicates)
        self._keyer = ConfigKeyer(self.config_space)
        self._excluded: set[bytes] = set()
        self._blocks = ConfigBlocks(self.config_space, self._keyer)
        self._key_of_trial: dict[str, bytes] = {}  # of trials being evaluated
        self._last_drawn: tuple[Config | None, bytes] = (None, b"")
        self._given: str | None = None  # the trial that got the last configuration
        self._restricted: list[tuple[Config, bytes]] | None = None
        self._restricted_position: dict[bytes, int] = {}
        if restrict_configurations is not None:
            self._restrict(restrict_configurations)

    @property
    def allow_duplicates(self) -> bool:
        """Whether a configuration may be suggested more than once."""
        return self._allow_duplicates

    def get_config(self, trial_id: str | None = None, **kwargs: Any) -> Config | None:
        """The next configuration to try (see `BaseSearcher.get_config`)."""
        config = self._next_initial_config() if self._points else None
        if config is None:
            config = self._get_config(trial_id=trial_id, **kwargs)
            if config is None:
                return None
        self._hand_out(config, trial_id)
        return config

    def _hand_out(self, config: Config, trial_id: str | None) -> None:
        """Remember that a configuration is suggested."""
        drawn, key = self._last_drawn
        if drawn is not config:
            key = self._keyer.key(config)
        if not self._allow_duplicates:
            self._exclude(key)
        elif trial_id is not None:
            self._key_of_trial[trial_id] = key
        self._given = trial_id

    def _get_config(self, **kwargs: Any) -> Config | None:
        """The next configuration after `points_to_evaluate` (for subclasses)."""
        raise NotImplementedError

    def should_not_suggest(self, config: Config) -> bool:
        """Whether a configuration has been suggested, failed, or is not one of the allowed."""
        key = self._keyer.key(config)
        if self._restricted is not None and key not in self._restricted_position:
            return True
        return key in self._excluded

    def _get_random_config(self) -> Config | None:
        """Draw a configuration that may be suggested; None if there is none left."""
        if self._restricted is not None:
            drawn = self._draw_restricted(self._restricted)
        else:
            drawn = self._blocks.draw(self.random_state, self._excluded)
        if drawn is None:
            return None
        # Spares computing the key again when this very configuration is suggested.
        self._last_drawn = drawn
        return drawn[0]

    def register_pending(
        self, trial_id: str, config: Config | None = None, milestone: int | None = None
    ) -> None:
        """A trial is being evaluated; remember what it evaluates, in case it fails."""
        del milestone
        if config is None or trial_id == self._given:
            return
        key = self._keyer.key(self._completed(config))
        if not self._allow_duplicates:
            # A configuration that the user put in is not to be drawn a second time.
            self._exclude(key)
        else:
            self._key_of_trial[trial_id] = key

    def evaluation_failed(self, trial_id: str) -> None:
        """A trial failed: its configuration does not come again."""
        key = self._key_of_trial.pop(trial_id, None)
        if key is not None:
            self._exclude(key)

    def exclude_config(self, config: Config) -> None:
        """A configuration does not come again (see `BaseSearcher.exclude_config`)."""
        self._exclude(self._keyer.key(self._completed(config)))

    def cleanup_pending(self, trial_id: str) -> None:
        """A trial is not being evaluated any more."""
        super().cleanup_pending(trial_id)
        self._key_of_trial.pop(trial_id, None)
        if self._given == trial_id:
            self._given = None

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Draw from another version of the space; what was tried does not come again."""
        if self._restricted is not None:
            raise SchedulerError(
                f"{type(self).__name__} with restrict_configurations can't edit the "
                "configuration space: it suggests only the given configurations"
            )
        # Made first, because it can fail and the rest cannot.
        probe = ConfigBlocks(config_space, self._keyer)
        diff, points_dropped = self._take_space(config_space, defaults)
        suffix = self._keyer.edit(self.config_space, diff.defaults)
        if suffix:
            self._excluded = {key + suffix for key in self._excluded}
            self._key_of_trial = {t: key + suffix for t, key in self._key_of_trial.items()}
        self._blocks = probe
        self._last_drawn = (None, b"")
        note = "new configurations are drawn from the new space"
        return SpaceEditReport(points_dropped=points_dropped, note=note)

    def clone_from_state(self, state: Mapping[str, Any]) -> Any:
        """A searcher like this one with a saved state (see `BaseSearcher.clone_from_state`)."""
        other = super().clone_from_state(state)
        # Both hold the keyer, and must go on to hold the same one.
        other._blocks.keyer = other._keyer
        other._last_drawn, other._given = (None, b""), None
        return other

    def _exclude(self, key: bytes) -> None:
        self._excluded.add(key)
        position = self._restricted_position.pop(key, None)
        if position is not None and self._restricted is not None:
            # The last entry takes the free place, so that this costs the same for any length.
            last = self._restricted.pop()
            if last[1] != key:
                self._restricted[position] = last
                self._restricted_position[last[1]] = position

    def _draw_restricted(
        self, restricted: list[tuple[Config, bytes]]
    ) -> tuple[Config, bytes] | None:
        if not restricted:
            return None
        config, key = restricted[int(self.random_state.random_sample() * len(restricted))]
        return dict(config), key

    def _restrict(self, configurations: Sequence[Mapping[str, Any]]) -> None:
        if not len(configurations):
            raise SchedulerError("restrict_configurations is empty: nothing could be suggested")
        self._restricted = []
        for index, given in enumerate(configurations):
            try:
                config = remove_constant_and_cast(given, self.config_space)
                validate_config(config, self.config_space)
            except InvalidConfigError as error:
                raise InvalidConfigError(f"restrict_configurations[{index}]: {error}") from None
            key = self._keyer.key(config)
            if key not in self._restricted_position:
                self._restricted_position[key] = len(self._restricted)
                self._restricted.append((config, key))
        self._points = [
            (index, point)
            for index, point in self._points
            if self._keyer.key(point) in self._restricted_position
        ]
