"""A function that is expensive to evaluate, recorded or cheap enough to be asked: the interface."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synetune_lab.config_space import Domain, FiniteRange, Integer
from synetune_lab.errors import BlackboxError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Blackbox", "from_function"]

Config = Mapping[str, Any]


class Blackbox:
    """Maps a configuration (with a fidelity and a seed, where it has them) to objectives.

    A subclass implements `_objective_function`, and `fidelity_values` if it has a fidelity.

    Args:
        configuration_space: Names of hyperparameters with their domains.
        fidelity_space: Names of fidelities with their domains, such as `{"epochs":
            randint(1, 100)}`; None if there is none.
        objectives_names: Names of the objectives. None: those that begin with `metric_`, for a
            subclass that can tell.

    Raises:
        BlackboxError: If a space is not possible.
    """

    num_seeds = 1
    """How many times each configuration was evaluated."""

    def __init__(
        self,
        configuration_space: Mapping[str, Any],
        fidelity_space: Mapping[str, Any] | None = None,
        objectives_names: Sequence[str] | None = None,
    ) -> None:
        self.configuration_space = dict(configuration_space)
        self.fidelity_space = dict(fidelity_space) if fidelity_space else None
        self.objectives_names = list(objectives_names) if objectives_names is not None else []
        if not any(isinstance(entry, Domain) for entry in self.configuration_space.values()):
            raise BlackboxError(
                "configuration_space must have at least one hyperparameter with a domain; it has "
                f"{list(self.configuration_space) or 'nothing'}"
            )

    # Evaluation

    def objective_function(
        self,
        configuration: Config,
        fidelity: Mapping[str, Any] | float | None = None,
        seed: int | None = None,
    ) -> dict[str, float] | np.ndarray:
        """Evaluate a configuration.

        Args:
            configuration: A value for each hyperparameter; constants of the space may be left out.
            fidelity: A value for each fidelity, or the value itself if there is just one. None:
                all values of the one fidelity.
            seed: Which of the repetitions; None for the blackbox's choice.

        Returns:
            The objectives by name; without `fidelity`, where there is one, an array of shape
            (fidelity values, objectives).

        Raises:
            BlackboxError: If the configuration or fidelity is not known.
        """
        config = self._check_configuration(configuration)
        return self._objective_function(config, self._check_fidelity(fidelity), seed)

    __call__ = objective_function

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        """What a subclass implements (see `objective_function`); the arguments are checked."""
        raise NotImplementedError

    def curve(self, configuration: Config, seed: int | None = None) -> np.ndarray:
        """All objectives at all fidelities, of shape (fidelity values, objectives).

        One row for a blackbox without fidelity. NaN stands for what is not known.
        """
        if self.fidelity_space is None:
            values = self.objective_function(configuration, None, seed)
            assert isinstance(values, dict)
            return np.array([[values[name] for name in self.objectives_names]])
        return np.asarray(self.objective_function(configuration, None, seed))

    def _check_configuration(self, configuration: Config) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        for name, entry in self.configuration_space.items():
            if name in configuration:
                taken[name] = configuration[name]
            elif isinstance(entry, Domain):
                raise BlackboxError(
                    f"the configuration lacks {name!r}; it needs {list(self.configuration_space)} "
                    f"and has {list(configuration)}"
                )
            else:
                taken[name] = entry
        return taken

    def _check_fidelity(
        self, fidelity: Mapping[str, Any] | float | None
    ) -> Mapping[str, Any] | None:
        if fidelity is None:
            if self.fidelity_space is not None and len(self.fidelity_space) > 1:
                raise BlackboxError(
                    f"fidelity must have values for {list(self.fidelity_space)}; it can be left "
                    "out only if there is just one"
                )
            return None
        if self.fidelity_space is None:
            raise BlackboxError(f"fidelity={fidelity!r} was given; this blackbox has no fidelity")
        if not isinstance(fidelity, Mapping):
            return {self.fidelity_name(): fidelity}
        if set(fidelity) != set(self.fidelity_space):
            raise BlackboxError(
                f"fidelity must have values for {list(self.fidelity_space)}, got {list(fidelity)}"
            )
        return fidelity

    def _refuse_outside(self, fidelity: Mapping[str, Any]) -> None:
        """Refuse fidelities that are not in the space; for subclasses that compute their values."""
        for name, domain in (self.fidelity_space or {}).items():
            value = fidelity[name]
            if isinstance(value, float) and value.is_integer() and isinstance(domain, Integer):
                value = int(value)
            if isinstance(domain, Domain) and not domain.is_valid(value):
                raise BlackboxError(
                    f"{name}={fidelity[name]!r} is outside of the fidelity space; it must be in "
                    f"{domain}"
                )

    # Fidelities

    @property
    def fidelity_values(self) -> np.ndarray | None:
        """The values of the one fidelity, ascending; None if there is no fidelity."""
        if self.fidelity_space is None:
            return None
        domain = self.fidelity_space[self.fidelity_name()]
        if isinstance(domain, FiniteRange):
            return np.array(domain.values)
        if isinstance(domain, Integer):
            return np.arange(int(domain.lower), int(domain.upper) + 1)
        raise BlackboxError(
            f"the values of the fidelity {self.fidelity_name()!r} can't be listed from {domain!r}"
        )

    def fidelity_name(self) -> str:
        """Name of the fidelity.

        Raises:
            BlackboxError: If there is none, or several.
        """
        if self.fidelity_space is None or len(self.fidelity_space) != 1:
            have = list(self.fidelity_space or ())
            raise BlackboxError(f"this takes a blackbox with one fidelity; this one has {have}")
        return next(iter(self.fidelity_space))

    def configuration_space_with_max_resource_attr(self, max_resource_attr: str) -> dict[str, Any]:
        """The configuration space, with the largest fidelity as a constant of this name.

        Raises:
            BlackboxError: If there is no fidelity, or the name is that of a hyperparameter.
        """
        values = self.fidelity_values
        if values is None:
            raise BlackboxError("a blackbox without fidelity has no maximum resource")
        if max_resource_attr in self.configuration_space:
            raise BlackboxError(
                f"max_resource_attr={max_resource_attr!r} is the name of a hyperparameter; choose "
                "another"
            )
        return {**self.configuration_space, max_resource_attr: int(np.max(values))}

    # Data

    def hyperparameter_objectives_values(
        self, predict_curves: bool = False
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """All that was recorded, as training data of a surrogate.

        Args:
            predict_curves: Whether a row has a whole curve.

        Returns:
            Without `predict_curves`, `X` of shape (fidelities * seeds * configurations,
            hyperparameters + 1), the fidelity last, and `y` (same rows, objectives). With it, `X`
            (seeds * configurations, hyperparameters) and `y` (same rows, fidelities * objectives).
            What is named first varies slowest.

        Raises:
            BlackboxError: If nothing is recorded.
        """
        del predict_curves
        raise BlackboxError(f"{type(self).__name__} is computed, and has no recorded values")


class _FunctionBlackbox(Blackbox):
    def __init__(
        self,
        configuration_space: Mapping[str, Any],
        eval_fun: Callable[..., Mapping[str, float]],
        fidelity_space: Mapping[str, Any] | None,
        objectives_names: Sequence[str] | None,
    ) -> None:
        self._names: list[str] = []
        super().__init__(configuration_space, fidelity_space, objectives_names)
        self._function = eval_fun
        names = inspect.signature(eval_fun).parameters
        kinds = {parameter.kind for parameter in names.values()}
        takes_all = inspect.Parameter.VAR_KEYWORD in kinds
        self._takes_seed = "seed" in names or takes_all
        self._takes_fidelity = "fidelity" in names or takes_all or len(names) > 1

    @property
    def objectives_names(self) -> list[str]:
        """Names of the objectives; where they were not given, the function is called for them."""
        if not self._names:
            self._ask_for_names()
        return self._names

    @objectives_names.setter
    def objectives_names(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def _ask_for_names(self) -> None:
        config = {
            name: entry.midpoint() if isinstance(entry, Domain) else entry
            for name, entry in self.configuration_space.items()
        }
        least = {name: _least(domain) for name, domain in (self.fidelity_space or {}).items()}
        try:
            self._at(config, least or None, None)
        except Exception as error:
            raise BlackboxError(
                "objectives_names was not given, and eval_fun could not be asked for them with "
                f"the configuration {config}{f' and the fidelity {least}' if least else ''}: "
                f"{error!r}. Pass objectives_names"
            ) from error

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        if fidelity is not None:
            self._refuse_outside(fidelity)
        values = self.fidelity_values if fidelity is None else None
        if values is None:
            return self._at(configuration, fidelity, seed)
        name = self.fidelity_name()
        rows = [self._at(configuration, {name: value}, seed) for value in values.tolist()]
        return np.array([[row[one] for one in self._names] for row in rows])

    def _at(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float]:
        arguments: list[Any] = [dict(configuration)]
        if self._takes_fidelity:
            arguments.append(fidelity)
        given = {"seed": seed} if self._takes_seed else {}
        result: Any = self._function(*arguments, **given)
        if not isinstance(result, Mapping) or not result:
            raise BlackboxError(
                f"eval_fun must return its objectives by name, such as {{'loss': 0.5}}; it "
                f"returned {result!r}"
            )
        self._names = self._names or list(result)
        missing = [name for name in self._names if name not in result]
        if missing:
            raise BlackboxError(
                f"eval_fun returned {list(result)}, which lacks the objectives {missing}; they are "
                f"{self._names}"
            )
        return dict(result)


def _least(domain: Any) -> Any:
    if not isinstance(domain, Domain):
        return domain
    members = domain.members()
    return members[0] if members else domain.midpoint()


def from_function(
    configuration_space: Mapping[str, Any],
    eval_fun: Callable[..., Mapping[str, float]],
    fidelity_space: Mapping[str, Any] | None = None,
    objectives_names: Sequence[str] | None = None,
) -> Blackbox:
    """A blackbox out of a function.

    Args:
        configuration_space: See `Blackbox`.
        eval_fun: Called as `eval_fun(configuration, fidelity)`, and with `seed=` if it takes one;
            returns the objectives by name.
        fidelity_space: See `Blackbox`.
        objectives_names: What it returns. None to see at the first call; where the names are
            wanted before any, the function is called once at the middle of the space.
    """
    return _FunctionBlackbox(configuration_space, eval_fun, fidelity_space, objectives_names)
