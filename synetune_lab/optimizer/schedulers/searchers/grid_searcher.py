"""Grid search."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from synetune_lab.config_space import Domain
from synetune_lab.config_space.arguments import is_number, round_to_key
from synetune_lab.config_space.keys import ConfigKeyer
from synetune_lab.config_space.numeric import Float, Integer
from synetune_lab.constants import DEFAULT_GRID_SIZE
from synetune_lab.errors import ConfigSpaceError, SchedulerError
from synetune_lab.optimizer.schedulers.searchers.base import Config, SpaceEditReport
from synetune_lab.optimizer.schedulers.searchers.permutation import Permutation
from synetune_lab.optimizer.schedulers.searchers.stochastic import StochasticSearcher

__all__ = ["GridSearcher"]

logger = logging.getLogger(__name__)


class GridSearcher(StochasticSearcher):
    """Tries every point of a grid: `points_to_evaluate` first, then the rest, none twice.

    A range of numbers is cut into parts of equal size on its own scale, whose middles are the
    grid; finite domains take all their values. The grid is never written down, so that its size
    does not matter.

    Args:
        config_space: See `BaseSearcher`.
        metric: See `BaseSearcher`.
        points_to_evaluate: See `BaseSearcher`.
        num_samples: Number of points for each range of numbers, by name; 5 where not given, or
            all values if there are fewer. Entries for other hyperparameters have no effect.
        shuffle_config: Whether the grid is tried in random order, or in that of the product, the
            last name in alphabetical order moving fastest.
        allow_duplicates: Whether the grid begins again after its end, and tries
            `points_to_evaluate` a second time.
        mode: See `BaseSearcher`.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.

    Raises:
        SchedulerError: If `num_samples` names no hyperparameter or has a number below 1.
        ConfigSpaceError: If the space has a function of `sample_from`.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticSearcher._STATE,
        "_keyer",
        "_excluded",
        "_grid",
        "_order",
        "_position",
    )

    def __init__(
        self,
        config_space: Mapping[str, Any],
        metric: str | Sequence[str],
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        num_samples: Mapping[str, int] | None = None,
        shuffle_config: bool = True,
        allow_duplicates: bool = False,
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
        self._num_samples = dict(num_samples or {})
        _check_num_samples(self._num_samples, self.config_space)
        self._shuffle_config = bool(shuffle_config)
        self._allow_duplicates = bool(allow_duplicates)
        self._keyer = ConfigKeyer(self.config_space)
        self._excluded: set[bytes] = set()
        self._grid: dict[str, list[Any]] = {}
        self._order: Permutation | None = None
        self._position = 0
        self._set_grid(self._make_grid(self.config_space))

    @property
    def grid(self) -> dict[str, list[Any]]:
        """The values of each hyperparameter on the grid."""
        return {name: list(values) for name, values in self._grid.items()}

    @property
    def grid_size(self) -> int:
        """Number of points of the grid."""
        size = 1
        for values in self._grid.values():
            size *= len(values)
        return size

    def get_config(self, **kwargs: Any) -> Config | None:
        """The next configuration to try; None at the end of the grid."""
        del kwargs
        config = self._next_initial_config()
        if config is not None:
            self._excluded.add(self._keyer.key(config))
            return config
        size = self.grid_size
        while self._position < size or self._allow_duplicates:
            position = self._position % size
            index = position if self._order is None else self._order[position]
            config = self._point(index)
            self._position += 1
            key = self._keyer.key(config)
            if self._allow_duplicates or key not in self._excluded:
                self._excluded.add(key)
                self._reason = {"kind": "grid", "index": index}
                return config
        logger.info("every point of the grid has been suggested")
        return None

    def register_pending(
        self, trial_id: str, config: Config | None = None, milestone: int | None = None
    ) -> None:
        """A trial is being evaluated; a point that the user put in need not be tried again."""
        del trial_id, milestone
        if config is not None:
            self._excluded.add(self._keyer.key(config))

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Go over to the grid of another space; points that were tried are left out."""
        grid = self._make_grid(config_space)
        diff, points_dropped = self._take_space(config_space, defaults)
        suffix = self._keyer.edit(self.config_space, diff.defaults)
        self._excluded = {key + suffix for key in self._excluded}
        self._num_samples = {k: v for k, v in self._num_samples.items() if k in config_space}
        self._set_grid(grid)
        note = f"the new grid has {self.grid_size} points; those tried before are left out"
        return SpaceEditReport(points_dropped=points_dropped, note=note)

    def _set_grid(self, grid: dict[str, list[Any]]) -> None:
        self._grid = grid
        self._position = 0
        self._order = None
        if self._shuffle_config:
            self._order = Permutation(self.grid_size, int(self.random_state.randint(2**31)))

    def _make_grid(self, config_space: Mapping[str, Any]) -> dict[str, list[Any]]:
        grid = {}
        for name in sorted(config_space):
            domain = config_space[name]
            if not isinstance(domain, Domain):
                continue
            if domain.is_function():
                raise ConfigSpaceError(f"{name}: grid search can't list the values of {domain}")
            grid[name] = _grid_values(domain, self._num_samples.get(name, DEFAULT_GRID_SIZE))
        return grid

    def _point(self, index: int) -> Config:
        config = {}
        for name in reversed(self._grid):
            values = self._grid[name]
            index, position = divmod(index, len(values))
            config[name] = values[position]
        return {name: config[name] for name in self._grid}


def _grid_values(domain: Domain, size: int) -> list[Any]:
    count = domain.num_values()
    if isinstance(domain, (Float, Integer)) and (count is None or count > size):
        values = domain.from_unit((np.arange(size) + 0.5) / size)
        return list({round_to_key(value): value for value in values}.values())
    members = domain.members()
    if members is None:
        raise ConfigSpaceError(f"grid search can't list the values of {domain}")
    return list(members)


def _check_num_samples(num_samples: Mapping[str, int], config_space: Mapping[str, Any]) -> None:
    for name, number in num_samples.items():
        if name not in config_space:
            near = difflib.get_close_matches(name, list(config_space), n=1)
            hint = f"; do you mean {near[0]!r}?" if near else ""
            raise SchedulerError(f"num_samples: {name!r} is not in the configuration space{hint}")
        if not is_number(number) or number != int(number) or number < 1:
            raise SchedulerError(f"num_samples[{name!r}]={number!r} must be a whole number above 0")
