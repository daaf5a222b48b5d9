"""Documented paths of the encoding and of the exclusion list."""

from synetune_lab.config_space.ranges import HyperparameterRanges, make_hyperparameter_ranges
from synetune_lab.optimizer.schedulers.searchers.exclusion import ExclusionList

__all__ = ["ExclusionList", "HyperparameterRanges", "make_hyperparameter_ranges"]
