"""Random search and grid search together: the search algorithm that `tune` takes by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from synetune_lab.config_space import Domain
from synetune_lab.errors import ConfigSpaceError
from synetune_lab.optimizer.schedulers.searchers import SpaceEditReport, StochasticSearcher
from synetune_lab.tune.search_space import AnyChoice

if TYPE_CHECKING:
    from synetune_lab.tune.convert import SearchSpace
    from synetune_lab.tune.grid import GridPoints

__all__ = ["VariantSearcher"]


class VariantSearcher(StochasticSearcher):
    """Goes through the whole grid `num_samples` times, and draws all else for each point of it.

    Args:
        space: The search space.
        config_space: What the scheduler works with, where it differs from the space.
        metric: See `BaseSearcher`.
        mode: See `BaseSearcher`.
        num_samples: How often the grid is gone through; None for ever. Without a grid, the number
            of configurations.
        presets: Configurations, flat and maybe partial, that the first samples take their values
            from.
        constant_grid_search: Draw what is random once a sample, not once a point of the grid.
        random_seed: See `StochasticSearcher`.
        random_seed_generator: See `StochasticSearcher`.
    """

    _STATE: ClassVar[tuple[str, ...]] = (
        *StochasticSearcher._STATE,
        "_sample",
        "_position",
        "_drawn",
        "_sources",
    )

    def __init__(
        self,
        space: SearchSpace,
        config_space: Mapping[str, Any],
        metric: str,
        mode: str = "min",
        *,
        num_samples: int | None = 1,
        presets: Sequence[Mapping[str, Any]] = (),
        constant_grid_search: bool = False,
        random_seed: int | None = None,
        random_seed_generator: Callable[[], int] | None = None,
    ) -> None:
        super().__init__(
            config_space,
            metric,
            [],
            mode=mode,
            random_seed=random_seed,
            random_seed_generator=random_seed_generator,
        )
        self._space = space
        # As in Ray Tune: points to begin with are all tried, however few samples are asked for.
        self._num_samples = None if num_samples is None else max(num_samples, len(presets))
        self._presets = [dict(preset) for preset in presets]
        self._constant_grid_search = constant_grid_search
        self._sources = {**space.config_space}
        self._sample = 0
        self._position = 0
        self._drawn: dict[str, Any] = {}
        self._grid: tuple[tuple[str, ...], GridPoints] | None = None

    def get_config(self, **kwargs: Any) -> dict[str, Any] | None:
        """The next configuration; None when all samples of the grid were given."""
        del kwargs
        if self._num_samples is not None and self._sample >= self._num_samples:
            return None
        preset = self._presets[self._sample] if self._sample < len(self._presets) else {}
        names = tuple(name for name in self._space.grid if name not in preset)
        if self._grid is None or self._grid[0] != names:
            self._grid = names, self._space.grid_points(names)
        points = self._grid[1]
        index = self._sample * len(points) + self._position
        self._reason = {"kind": "grid", "index": index} if names else {"kind": "random"}
        config = self._complete({**preset, **points[self._position]})
        self._position += 1
        if self._position == len(points):
            self._sample, self._position, self._drawn = self._sample + 1, 0, {}
        return config

    def _complete(self, known: dict[str, Any]) -> dict[str, Any]:
        """Draw what is missing; functions come last, for they may use the others."""
        if self._constant_grid_search:
            known = {**self._drawn, **known}
        waiting = []
        for name, entry in self.config_space.items():
            source = self._sources.get(name, entry)
            if name in known or not (isinstance(entry, Domain) or isinstance(source, Domain)):
                continue
            if not isinstance(source, Domain):
                known[name] = source
            elif source.is_function():
                waiting.append((name, source))
            else:
                known[name] = source.sample(random_state=self.random_state)
        self._call_functions(waiting, known)
        if self._constant_grid_search:
            self._drawn = {n: value for n, value in known.items() if n not in self._space.grid}
        return {name: known[name] for name in self.config_space if name in known}

    def _call_functions(self, waiting: list[tuple[str, Domain]], known: dict[str, Any]) -> None:
        """Call functions in an order in which each finds the values that it uses.

        Raises:
            ConfigSpaceError: If there is none.
        """
        while waiting:
            left = []
            for name, function in waiting:
                try:
                    spec = self._space.template.partly(known)
                    value = self._resolved(function.sample(spec, random_state=self.random_state))
                except (KeyError, AttributeError) as error:
                    left.append((name, function))
                    problem = error
                except Exception as error:
                    raise ConfigSpaceError(
                        f"{name}: the function of sample_from failed: {type(error).__name__}: "
                        f"{error}"
                    ) from error
                else:
                    known[name] = value
            if len(left) == len(waiting):
                raise ConfigSpaceError(
                    f"{left[0][0]}: the function of sample_from does not find a value that it uses "
                    f"({type(problem).__name__}: {problem})"
                ) from problem
            waiting = left

    def _resolved(self, value: Any) -> Any:
        """What a function returned: domains in it are drawn from, arrays become lists."""
        if isinstance(value, AnyChoice):
            return self._resolved(
                value.categories[self.random_state.randint(len(value.categories))]
            )
        if isinstance(value, Domain):
            return self._resolved(value.sample(random_state=self.random_state))
        if isinstance(value, Mapping):
            return {key: self._resolved(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._resolved(entry) for entry in value]
        return value.tolist() if hasattr(value, "tolist") else value

    def edit_space(
        self, config_space: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
    ) -> SpaceEditReport:
        """Draw from another version of the space; the grid stays as it was."""
        before = self.config_space
        diff, dropped = self._take_space(config_space, defaults)
        changed = {name for name, entry in config_space.items() if entry != before.get(name)}
        self._sources = {n: e for n, e in self._sources.items() if n not in changed}
        del diff
        note = "new configurations are drawn from the new space; the grid stays as it was"
        return SpaceEditReport(points_dropped=dropped, note=note)
