"""Documented path of the records of a trial; they live in `synetune_lab.trial`."""

from synetune_lab.trial import Status, Trial, TrialResult

__all__ = ["Status", "Trial", "TrialResult"]
