"""Transfer of ranks: a surrogate of normalised values on other tasks suggests configurations."""

from synetune_lab.optimizer.schedulers.transfer_learning.quantile_based.quantile_based_searcher import (  # noqa: E501
    QuantileBasedSurrogateSearcher,
)

__all__ = ["QuantileBasedSurrogateSearcher"]
