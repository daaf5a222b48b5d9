"""YAHPO Gym: surrogates of many benchmarks.

Pfisterer, Schneider, Moosbauer, Binder, Bischl: YAHPO Gym - An Efficient Multi-Objective
Multi-Fidelity Benchmark for Hyperparameter Optimization, https://arxiv.org/abs/2109.03670.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synetune_lab.blackbox_repository.blackbox import Blackbox, Config
from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe
from synetune_lab.blackbox_repository.conversion_scripts.utils import repository_path
from synetune_lab.config_space import (
    Domain,
    choice,
    lograndint,
    loguniform,
    ordinal,
    randint,
    uniform,
)
from synetune_lab.errors import BlackboxError
from synetune_lab.extras import require

__all__ = [
    "YAHPO_SCENARIOS",
    "BlackBoxYAHPO",
    "YAHPORecipe",
    "cs_to_synetune",
    "instantiate_yahpo",
]

YAHPO_SCENARIOS = (
    "nb301",
    "lcbench",
    "iaml_glmnet",
    "iaml_ranger",
    "iaml_rpart",
    "iaml_super",
    "iaml_xgboost",
    "rbv2_aknn",
    "rbv2_glmnet",
    "rbv2_ranger",
    "rbv2_rpart",
    "rbv2_super",
    "rbv2_svm",
    "rbv2_xgboost",
)
_STEPS = 20
"""`trainsize` runs from 1/20 to 1; as a resource it is counted in twentieths."""
_FIDELITIES = ("epoch", "trainsize")
_REPL = 10
_TIMES = ("runtime", "time", "timetrain")
_NB301_PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
"""Begins the names of most hyperparameters of nb301; left out here."""


def cs_to_synetune(config_space: Any) -> dict[str, Any]:
    """A `ConfigSpace.ConfigurationSpace` as a configuration space of this package.

    Categories with one value become constants. Conditions are left out.

    Raises:
        BlackboxError: If it has a kind of hyperparameter that is not known.
    """
    space: dict[str, Any] = {}
    for entry in config_space.values():
        kind = type(entry).__name__
        if kind == "CategoricalHyperparameter":
            values = [_plain(value) for value in entry.choices]
            space[entry.name] = choice(values) if len(values) > 1 else values[0]
        elif kind == "OrdinalHyperparameter":
            space[entry.name] = ordinal([_plain(value) for value in entry.sequence])
        elif kind == "UniformIntegerHyperparameter":
            make = lograndint if entry.log else randint
            space[entry.name] = make(int(entry.lower), int(entry.upper))
        elif kind == "UniformFloatHyperparameter":
            make_float = loguniform if entry.log else uniform
            space[entry.name] = make_float(float(entry.lower), float(entry.upper))
        elif kind == "Constant":
            space[entry.name] = _plain(entry.value)
        else:
            raise BlackboxError(f"{entry.name}: {kind} has no counterpart here")
    return space


def _plain(value: Any) -> Any:
    item = getattr(value, "item", None)
    return item() if callable(item) else value


class BlackBoxYAHPO(Blackbox):
    """A benchmark instance of YAHPO as a blackbox.

    Hyperparameters that are inactive, given the values of others, are not passed on to YAHPO.
    Those of `nb301` have shorter names here, such as `edge_normal_0`.

    Args:
        benchmark: A `yahpo_gym.BenchmarkSet` with an instance.
        fidelities: Restrict the fidelity to these values: increasing positive integers. Schedulers
            with rungs then have to have their levels among them.
        check: Whether YAHPO checks each configuration; slower.

    Raises:
        BlackboxError: If `fidelities` are not possible.
    """

    def __init__(
        self, benchmark: Any, fidelities: Sequence[int] | None = None, check: bool = False
    ) -> None:
        self.benchmark = benchmark
        self.check = check
        whole = cs_to_synetune(benchmark.get_opt_space())
        names = [n for n in benchmark.config.fidelity_params if n in _FIDELITIES and n in whole]
        self.num_fidelities = 1
        self._has_repl = "repl" in whole
        self._resource = names[0] if names else None
        self._original_names: dict[str, str] = {}
        fidelity_space = None
        if self._resource is not None:
            domain = whole[self._resource]
            largest = _STEPS if self._resource == "trainsize" else int(domain.upper)
            fidelity_space = {self._resource: _fidelity_domain(fidelities, largest)}
        super().__init__(self._space(whole), fidelity_space, list(benchmark.config.y_names))

    def _space(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        """Hyperparameters with the constants of the instance, without fidelities."""
        apart = {"repl"} if self._resource is None else {"repl", self._resource}
        self._original_names = {n.removeprefix(_NB301_PREFIX): n for n in whole if n not in apart}
        return {short: whole[name] for short, name in self._original_names.items()}

    def set_instance(self, instance: str) -> BlackBoxYAHPO:
        """Choose the data set: values and the constants of the configuration space are its own.

        Returns:
            The blackbox itself.

        Raises:
            BlackboxError: If there is no such data set.
        """
        have = list(self.benchmark.instances)
        if instance not in have:
            raise BlackboxError(f"instance={instance!r} is not known; there are {have}")
        self.benchmark.set_instance(instance)
        self.configuration_space = self._space(cs_to_synetune(self.benchmark.get_opt_space()))
        return self

    @property
    def instances(self) -> np.ndarray:
        """Names of the data sets."""
        return np.array(self.benchmark.instances)

    @property
    def fidelity_values(self) -> np.ndarray | None:
        """The fidelities, ascending; None without."""
        if self.fidelity_space is None:
            return None
        domain = self.fidelity_space[self.fidelity_name()]
        categories = getattr(domain, "categories", None)
        if categories is not None:
            return np.array(categories)
        return np.arange(int(domain.lower), int(domain.upper) + 1)

    @property
    def time_attribute(self) -> str:
        """Name of the objective that holds the time."""
        told = getattr(self.benchmark.config, "runtime_name", "")
        for name in (told, *_TIMES):
            if name in self.objectives_names:
                return name
        raise BlackboxError(f"none of {list(_TIMES)} is an objective: {self.objectives_names}")

    def _objective_function(
        self, configuration: Config, fidelity: Mapping[str, Any] | None, seed: int | None
    ) -> dict[str, float] | np.ndarray:
        del seed
        if fidelity is not None:
            self._refuse_outside(fidelity)
            point = self._points(configuration, [fidelity[self._resource or ""]])[0]
        elif self._resource is not None:
            values = self.fidelity_values
            assert values is not None
            points = self._points(configuration, values.tolist())
            rows = self.benchmark.objective_function(points, logging=False)
            return np.array([[row[name] for name in self.objectives_names] for row in rows])
        else:
            point = self._points(configuration, [None])[0]
        row = self.benchmark.objective_function(point)[0]
        return {name: float(row[name]) for name in self.objectives_names}

    def _points(self, configuration: Config, values: Sequence[Any]) -> list[dict[str, Any]]:
        """The configuration at some fidelities, as YAHPO takes it."""
        point = {}
        for name, entry in self.configuration_space.items():
            # A constant is that of the instance, whatever configurations of others have.
            value = configuration[name] if isinstance(entry, Domain) else entry
            point[self._original_names.get(name, name)] = _plain(value)
        if self._has_repl:
            point["repl"] = _REPL
        if self._resource is None:
            return [self._active(point)]
        steps = _STEPS if self._resource == "trainsize" else 1
        reached = [value / steps if steps > 1 else value for value in values]
        active = self._active({**point, self._resource: reached[0]})
        return [{**active, self._resource: value} for value in reached]

    def _active(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """What of a point counts: some hyperparameters do so for some values of others only."""
        configspace = require("ConfigSpace", extra="blackbox", purpose="the surrogates of YAHPO")
        space = self.benchmark.config_space
        try:
            whole = configspace.Configuration(
                space, values=dict(point), allow_inactive_with_values=True
            )
            active = space.get_active_hyperparameters(whole)
        except ValueError as error:
            raise BlackboxError(f"YAHPO refuses the configuration {dict(point)}: {error}") from None
        return {name: value for name, value in point.items() if name in active}


def _fidelity_domain(fidelities: Sequence[int] | None, largest: int) -> Any:
    if fidelities is None:
        return randint(1, largest)
    values = list(fidelities)
    ok = all(1 <= v <= largest for v in values)
    if not values or not ok or values != sorted(set(values)):
        raise BlackboxError(
            f"fidelities={values} must be increasing whole numbers from 1 to {largest}"
        )
    return ordinal(values, kind="equal")


def instantiate_yahpo(
    scenario: str, check: bool = False, fidelities: Sequence[int] | None = None
) -> dict[str, BlackBoxYAHPO]:
    """A blackbox for each instance of a scenario.

    Args:
        scenario: One of `YAHPO_SCENARIOS`, with `yahpo-` before it or not.
        check: See `BlackBoxYAHPO`.
        fidelities: See `BlackBoxYAHPO`.

    Raises:
        MissingDependencyError: If YAHPO Gym is not installed.
    """
    gym = require("yahpo_gym", extra="blackbox", purpose="the surrogates of YAHPO Gym")
    scenario = scenario.removeprefix("yahpo-")
    gym.local_config.init_config()
    gym.local_config.set_data_path(str(repository_path() / "yahpo"))
    instances = gym.BenchmarkSet(scenario).instances
    return {
        str(instance): BlackBoxYAHPO(
            gym.BenchmarkSet(scenario, instance=instance, active_session=False, check=check),
            fidelities,
            check,
        )
        for instance in instances
    }


class YAHPORecipe(BlackboxRecipe):
    """Fetches the files of one scenario of YAHPO Gym.

    Args:
        name: `yahpo-` and the scenario.
    """

    address = "https://github.com/slds-lmu/yahpo_data/archive/refs/tags/v1.0.zip"
    size = "about 1 GB for all scenarios"

    def __init__(self, name: str) -> None:
        super().__init__(
            name,
            "Pfisterer, Schneider, Moosbauer, Binder, Bischl: YAHPO Gym - An Efficient "
            "Multi-Objective Multi-Fidelity Benchmark for Hyperparameter Optimization, AutoML 2022",
        )

    def convert(self, raw: Path, target: Path) -> None:
        """See `BlackboxRecipe.convert`; `raw` is the archive, or a folder with the scenarios."""
        scenario = self.name.removeprefix("yahpo-")
        folder = raw
        if raw.is_file():
            folder = target.parent / "unpacked"
            if zipfile.is_zipfile(raw):
                with zipfile.ZipFile(raw) as archive:
                    archive.extractall(folder)
            else:
                with tarfile.open(raw) as tar:
                    tar.extractall(folder, filter="data")
        found = [path for path in folder.rglob(scenario) if path.is_dir()]
        if not found:
            raise BlackboxError(f"there is no folder {scenario} in {raw}")
        for file in found[0].iterdir():
            file.replace(target / file.name) if raw.is_file() else _copy(file, target)


def _copy(file: Path, target: Path) -> None:
    import shutil

    if file.is_file():
        shutil.copy2(file, target)
