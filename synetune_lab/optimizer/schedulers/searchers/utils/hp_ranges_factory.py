"""Documented path of `make_hyperparameter_ranges`."""

from synetune_lab.config_space.ranges import make_hyperparameter_ranges

__all__ = ["make_hyperparameter_ranges"]
