"""Documented path of `ExclusionList`."""

from synetune_lab.optimizer.schedulers.searchers.exclusion import ExclusionList

__all__ = ["ExclusionList"]
