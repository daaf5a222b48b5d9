"""Bayesian optimisation: acquisition functions, candidates and their local search, searchers."""
