"""Configuration spaces: which values each hyperparameter may take, and how they are drawn.

A configuration space is a dictionary from names to domains, or to constants that every
configuration gets::

    config_space = {
        "learning_rate": loguniform(1e-6, 1),
        "n_units": lograndint(4, 1024),
        "activation": choice(["relu", "tanh"]),
        "epochs": 81,
    }

Training scripts import this package for `add_to_argparse`, so that numpy is loaded only where
values are drawn or encoded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from synetune_lab.config_space.discrete import Categorical, Ordinal
from synetune_lab.config_space.domain import Domain
from synetune_lab.config_space.edit import (
    EntryChange,
    SpaceDiff,
    count_outside,
    diff_config_spaces,
)
from synetune_lab.config_space.factories import (
    choice,
    finrange,
    grid_search,
    logfinrange,
    logordinal,
    lograndint,
    loguniform,
    ordinal,
    qlograndint,
    qloguniform,
    qrandint,
    qrandn,
    quniform,
    randint,
    randn,
    reverseloguniform,
    uniform,
)
from synetune_lab.config_space.finite_range import FiniteRange
from synetune_lab.config_space.function import Function, sample_from
from synetune_lab.config_space.helpers import (
    add_to_argparse,
    cast_config_values,
    config_space_size,
    config_to_match_string,
    constant_entries,
    is_log_space,
    is_reverse_log_space,
    is_uniform_space,
    non_constant_hyperparameter_keys,
    remove_constant_and_cast,
)
from synetune_lab.config_space.json_form import (
    config_space_from_json_dict,
    config_space_to_json_dict,
    from_dict,
    is_domain_json,
    to_dict,
)
from synetune_lab.config_space.nearest import OrdinalNearestNeighbor
from synetune_lab.config_space.numeric import Float, Integer
from synetune_lab.config_space.points import impute_points_to_evaluate, midpoint_config
from synetune_lab.config_space.restrict import restrict_domain
from synetune_lab.config_space.samplers import (
    BaseSampler,
    Grid,
    LogUniform,
    Normal,
    Quantized,
    ReverseLogUniform,
    Sampler,
    Uniform,
)
from synetune_lab.config_space.validate import (
    validate_config,
    validate_config_space,
    validate_space_json,
)

if TYPE_CHECKING:
    from synetune_lab.config_space.ranges import HyperparameterRanges, make_hyperparameter_ranges

# These need numpy.
_LAZY = {
    "HyperparameterRanges": "synetune_lab.config_space.ranges",
    "make_hyperparameter_ranges": "synetune_lab.config_space.ranges",
}

__all__ = [
    "BaseSampler",
    "Categorical",
    "Domain",
    "EntryChange",
    "FiniteRange",
    "Float",
    "Function",
    "Grid",
    "HyperparameterRanges",
    "Integer",
    "LogUniform",
    "Normal",
    "Ordinal",
    "OrdinalNearestNeighbor",
    "Quantized",
    "ReverseLogUniform",
    "Sampler",
    "SpaceDiff",
    "Uniform",
    "add_to_argparse",
    "cast_config_values",
    "choice",
    "config_space_from_json_dict",
    "config_space_size",
    "config_space_to_json_dict",
    "config_to_match_string",
    "constant_entries",
    "count_outside",
    "diff_config_spaces",
    "finrange",
    "from_dict",
    "grid_search",
    "impute_points_to_evaluate",
    "is_domain_json",
    "is_log_space",
    "is_reverse_log_space",
    "is_uniform_space",
    "logfinrange",
    "logordinal",
    "lograndint",
    "loguniform",
    "make_hyperparameter_ranges",
    "midpoint_config",
    "non_constant_hyperparameter_keys",
    "ordinal",
    "qlograndint",
    "qloguniform",
    "qrandint",
    "qrandn",
    "quniform",
    "randint",
    "randn",
    "remove_constant_and_cast",
    "restrict_domain",
    "reverseloguniform",
    "sample_from",
    "to_dict",
    "uniform",
    "validate_config",
    "validate_config_space",
    "validate_space_json",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
