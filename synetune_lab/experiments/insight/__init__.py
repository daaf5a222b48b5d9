"""What a run has learnt of its hyperparameters: slices, importance, quality, the next suggestion.

A model of its own is fitted to the reports of a run of any scheduler, and asked. Start at
`Insight`.
"""

from synetune_lab.experiments.insight.insight import Insight
from synetune_lab.experiments.insight.quality import Quality
from synetune_lab.experiments.insight.suggestion import Suggestion

__all__ = ["Insight", "Quality", "Suggestion"]
