"""Covariance functions, and processes over configurations and resources."""
