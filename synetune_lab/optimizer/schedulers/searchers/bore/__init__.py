"""Bayesian optimisation by density-ratio estimation: a classifier tells good from bad."""

from synetune_lab.optimizer.schedulers.searchers.bore.bore import Bore
from synetune_lab.optimizer.schedulers.searchers.bore.multi_fidelity_bore import MultiFidelityBore

__all__ = ["Bore", "MultiFidelityBore"]
