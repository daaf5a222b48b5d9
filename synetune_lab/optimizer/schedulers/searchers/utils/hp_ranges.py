"""Documented path of `HyperparameterRanges`."""

from synetune_lab.config_space.ranges import HyperparameterRanges

__all__ = ["HyperparameterRanges"]
