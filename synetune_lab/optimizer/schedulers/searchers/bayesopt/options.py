"""Options of model-based searchers: names, defaults and what goes together.

Each group of searchers has a dataclass; `parse` makes it from `search_options`, and refuses what is
unknown or out of range.
"""

from __future__ import annotations

import difflib
import logging
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from synetune_lab.errors import SchedulerError

if TYPE_CHECKING:
    from synetune_lab.gp.kernels.base import Kernel
    from synetune_lab.gp.means import Mean

__all__ = [
    "ConstrainedOptions",
    "CostAwareMultiFidelityOptions",
    "CostAwareOptions",
    "GPOptions",
    "HyperTuneOptions",
    "MultiFidelityOptions",
    "parse",
]

OptionsT = TypeVar("OptionsT", bound="GPOptions")

RESOURCE_KERNELS = (
    "exp-decay-sum",
    "exp-decay-combined",
    "exp-decay-delta1",
    "freeze-thaw",
    "matern52",
    "matern52-res-warp",
    "cross-validation",
)
"""Kernels over configuration and resource."""

_OPTION_OF_MODEL = {
    "gp_resource_kernel": "gp_multitask",
    "issm_gamma_one": "gp_issm",
    "expdecay_normalize_inputs": "gp_expdecay",
    "separate_noise_variances": "gp_independent",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GPOptions:
    """Options of Gaussian-process searchers.

    Attributes:
        num_init_random: So many configurations are given before the model is used:
            `points_to_evaluate` first, then random ones.
        num_init_candidates: Random configurations that are scored for each suggestion.
        num_fantasy_samples: How many outcomes are imagined for trials whose result is pending.
        no_fantasizing: Ignore pending trials.
        input_warping: Learn to bend the scale of numerical hyperparameters.
        boxcox_transform: Learn a power that makes targets more normal; they must be positive.
        gp_base_kernel: `matern52-ard` (a length scale for each coordinate) or `matern52-noard`.
        gp_kernel: A kernel of one's own instead of `gp_base_kernel` and its factor: its class, or
            another callable that makes it from the number of coordinates.
        gp_mean: A prior mean of one's own instead of a constant, made in the same way.
        gp_inference: `empirical_bayes` (the most probable parameters) or `mcmc` (samples of them).
        acq_function: Name of the acquisition function: `ei`, `lcb`, `thompson` or a registered one.
        acq_function_kwargs: Its arguments.
        initial_scoring: How the starts of local optimisation are chosen among candidates:
            `acq_func` (by the acquisition function) or `thompson_indep` (by a draw for each).
        skip_local_optimization: Take the best candidate as it is.
        opt_nstarts: Starts of a full fit of the parameters.
        opt_maxiter: Iterations of L-BFGS from each start.
        opt_warmstart: Always fit from the last parameters only.
        opt_verbose: Log each fit.
        opt_skip_init_length: Fit parameters for each suggestion up to so many observations.
        opt_skip_period: Beyond, fit when the data have changed so many times.
        max_size_data_for_model: With more observations, the model gets a part of them; None for no
            limit.
        max_size_top_fraction: Share of that part that are the best ones; the rest is random.
        map_reward: For `mode="max"`: how a metric becomes a value to minimise: `1_minus_x`,
            `minus_x` or `<a>_minus_x`. It matters only with `boxcox_transform`.
        transfer_learning_task_attr: Categorical hyperparameter that says which task a trial is of.
        transfer_learning_active_task: Its value for the task to tune.
        transfer_learning_active_config_space: Narrower domains for that task.
        transfer_learning_model: `matern52_product` (tasks are related) or `matern52_same` (tasks
            are the same).
        has_covariance_scale: Whether the kernel's factor is learnt.
        restrict_configurations: See `StochasticAndFilterDuplicatesSearcher`.
        debug_log: Log each suggestion.
    """

    num_init_random: int = 3
    num_init_candidates: int = 250
    num_fantasy_samples: int = 20
    no_fantasizing: bool = False
    input_warping: bool = False
    boxcox_transform: bool = False
    gp_base_kernel: str = "matern52-ard"
    gp_kernel: Callable[[int], Kernel] | None = None
    gp_mean: Callable[[int], Mean] | None = None
    gp_inference: str = "empirical_bayes"
    acq_function: str = "ei"
    acq_function_kwargs: Mapping[str, Any] | None = None
    initial_scoring: str = "acq_func"
    skip_local_optimization: bool = False
    opt_nstarts: int = 2
    opt_maxiter: int = 50
    opt_warmstart: bool = False
    opt_verbose: bool = False
    opt_skip_init_length: int = 150
    opt_skip_period: int = 1
    max_size_data_for_model: int | None = 500
    max_size_top_fraction: float = 0.25
    map_reward: str = "1_minus_x"
    transfer_learning_task_attr: str | None = None
    transfer_learning_active_task: Any = None
    transfer_learning_active_config_space: Mapping[str, Any] | None = None
    transfer_learning_model: str = "matern52_product"
    has_covariance_scale: bool = True
    restrict_configurations: Sequence[Mapping[str, Any]] | None = None
    debug_log: bool = False

    def __post_init__(self) -> None:
        for name, least in (
            ("num_init_random", 0),
            ("num_init_candidates", 1),
            ("num_fantasy_samples", 1),
            ("opt_nstarts", 1),
            ("opt_maxiter", 1),
            ("opt_skip_init_length", 0),
            ("opt_skip_period", 1),
        ):
            self._whole(name, least)
        if self.max_size_data_for_model is not None:
            self._whole("max_size_data_for_model", 1)
        for name in (
            "no_fantasizing",
            "input_warping",
            "boxcox_transform",
            "skip_local_optimization",
            "opt_warmstart",
            "opt_verbose",
            "has_covariance_scale",
        ):
            if not isinstance(getattr(self, name), bool):
                raise _wrong(name, getattr(self, name), "True or False")
        fraction = self.max_size_top_fraction
        if isinstance(fraction, bool) or not 0 <= _number(fraction) <= 1:
            raise _wrong("max_size_top_fraction", fraction, "in [0, 1]")
        self._one_of("gp_base_kernel", ("matern52-ard", "matern52-noard"))
        for name in ("gp_kernel", "gp_mean"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                raise _wrong(
                    name, getattr(self, name), "callable: it gets the number of coordinates"
                )
        self._one_of("gp_inference", ("empirical_bayes", "mcmc"))
        self._one_of("initial_scoring", ("thompson_indep", "acq_func"))
        self._one_of("transfer_learning_model", ("matern52_product", "matern52_same"))
        reward_constant(self.map_reward)
        if self.restrict_configurations is not None and not self.skip_local_optimization:
            # Suggestions can only come from the list, so that there is nothing to optimise.
            object.__setattr__(self, "skip_local_optimization", True)
        for name in ("transfer_learning_active_task", "transfer_learning_active_config_space"):
            if self.transfer_learning_task_attr is None and getattr(self, name) is not None:
                raise SchedulerError(f"search_options: {name} needs transfer_learning_task_attr")
        if self.transfer_learning_task_attr and self.transfer_learning_active_task is None:
            raise SchedulerError(
                "search_options: transfer_learning_task_attr needs transfer_learning_active_task"
            )

    def _whole(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise _wrong(name, value, f"a whole number from {least}")

    def _name(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, str) or not value:
            raise _wrong(name, value, "the name of a reported value")

    def _one_of(self, name: str, allowed: Sequence[str]) -> None:
        value = getattr(self, name)
        if value not in allowed:
            near = difflib.get_close_matches(str(value), allowed, n=1)
            hint = f"; do you mean {near[0]!r}?" if near else ""
            raise _wrong(name, value, f"one of {', '.join(map(repr, allowed))}{hint}")


@dataclass(frozen=True)
class ConstrainedOptions(GPOptions):
    """Options of searchers under a constraint.

    Attributes:
        constraint_attr: Reported value that must be at most 0; mandatory.
        acq_function: `cei` (expected improvement times the probability to be feasible).
    """

    constraint_attr: str | None = None
    acq_function: str = "cei"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._name("constraint_attr")
        self._one_of("acq_function", ("cei",))


@dataclass(frozen=True)
class CostAwareOptions(GPOptions):
    """Options of searchers that weigh improvements against costs.

    Attributes:
        cost_attr: Reported cost; mandatory.
        cost_model: Model of the cost of a configuration up to a resource (a `CostModel`). It goes
            with `resource_attr`.
        acq_function: `eipu` (expected improvement per unit of cost).
    """

    cost_attr: str | None = None
    cost_model: Any = None
    acq_function: str = "eipu"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._name("cost_attr")
        self._one_of("acq_function", ("eipu",))


@dataclass(frozen=True)
class MultiFidelityOptions(GPOptions):
    """Options of Gaussian-process searchers for schedulers with rungs.

    Attributes:
        model: `gp_multitask` (one model of configuration and resource), `gp_independent` (one for
            each level), `gp_expdecay` or `gp_issm` (models of learning curves).
        gp_resource_kernel: Kernel of `gp_multitask`.
        resource_acq: Level at which a new configuration is judged: `bohb` (the highest with enough
            observations) or `first` (the first rung that it will reach).
        opt_skip_num_max_resource: Beyond `opt_skip_init_length`, fit only when there is a new
            observation at the maximum resource.
        issm_gamma_one: Fix gamma to 1 in `gp_issm`.
        expdecay_normalize_inputs: Map the resource to [0, 1] in `gp_expdecay`.
        separate_noise_variances: One noise variance for each level in `gp_independent`.
    """

    model: str = "gp_multitask"
    gp_resource_kernel: str = "exp-decay-sum"
    resource_acq: str = "bohb"
    opt_skip_num_max_resource: bool = False
    issm_gamma_one: bool = False
    expdecay_normalize_inputs: bool = False
    separate_noise_variances: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("model", ("gp_multitask", "gp_independent", "gp_issm", "gp_expdecay"))
        self._one_of("gp_resource_kernel", RESOURCE_KERNELS)
        self._one_of("resource_acq", ("bohb", "first"))
        if self.gp_kernel is not None and self.gp_resource_kernel.startswith("matern52"):
            raise SchedulerError(
                f"search_options: gp_resource_kernel={self.gp_resource_kernel!r} does not go with "
                "gp_kernel: it is one Matern kernel of all coordinates"
            )
        if self.gp_mean is not None and self.model != "gp_multitask":
            raise SchedulerError(
                f"search_options: gp_mean does not go with model={self.model!r}, which has means "
                "of its own"
            )
        if self.boxcox_transform and self.model != "gp_multitask":
            raise SchedulerError(
                f"search_options: boxcox_transform=True does not go with model={self.model!r}"
            )
        if self.gp_inference == "mcmc" and self.model != "gp_multitask":
            raise SchedulerError(
                f"search_options: gp_inference='mcmc' does not go with model={self.model!r}"
            )
        self._warn_of_unused()

    def _warn_of_unused(self) -> None:
        """Say which options the model has no use for; scripts pass the same ones to all models."""
        for name, model in _OPTION_OF_MODEL.items():
            if self.model != model and getattr(self, name) != getattr(MultiFidelityOptions, name):
                logger.warning(
                    "search_options: %s=%r has no effect with model=%r, only with %r",
                    name,
                    getattr(self, name),
                    self.model,
                    model,
                )


@dataclass(frozen=True)
class CostAwareMultiFidelityOptions(MultiFidelityOptions):
    """Options of cost-aware searchers for schedulers with rungs.

    Attributes:
        cost_attr: See `CostAwareOptions`.
        cost_model: See `CostAwareOptions`; None for `ScikitLearnCostModel()`.
        acq_function: See `CostAwareOptions`.
    """

    cost_attr: str | None = None
    cost_model: Any = None
    acq_function: str = "eipu"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._name("cost_attr")
        self._one_of("acq_function", ("eipu",))


@dataclass(frozen=True)
class HyperTuneOptions(MultiFidelityOptions):
    """Options of Hyper-Tune.

    Attributes:
        hypertune_distribution_num_samples: Posterior samples by which levels are weighted.
    """

    model: str = "gp_independent"
    hypertune_distribution_num_samples: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("model", ("gp_multitask", "gp_independent"))
        self._whole("hypertune_distribution_num_samples", 1)
        if self.gp_inference == "mcmc":
            raise SchedulerError("search_options: Hyper-Tune does not go with gp_inference='mcmc'")


def parse(cls: type[OptionsT], given: Mapping[str, Any]) -> OptionsT:
    """Make options from a dictionary.

    Raises:
        SchedulerError: If a name is unknown (the message has the nearest right one) or a value out
            of range.
    """
    names = [field.name for field in fields(cls)]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1)
            hint = f"do you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
            raise SchedulerError(f"search_options: {name!r} is no option of this searcher; {hint}")
    return cls(**given)


def reward_constant(map_reward: str) -> float:
    """The number a of `<a>_minus_x`; 0 for `minus_x`.

    Raises:
        SchedulerError: If it is none of these forms.
    """
    head, found, _ = str(map_reward).rpartition("minus_x")
    if found and head == "":
        return 0.0
    try:
        if found and head.endswith("_"):
            return float(head[:-1])
    except ValueError:
        pass
    raise _wrong("map_reward", map_reward, "'1_minus_x', 'minus_x' or '<number>_minus_x'")


def _number(value: Any) -> float:
    return float(value) if isinstance(value, numbers.Real) else math.nan


def _wrong(name: str, value: Any, wanted: str) -> SchedulerError:
    return SchedulerError(f"search_options: {name}={value!r} must be {wanted}")
