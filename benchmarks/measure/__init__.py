"""One script a measurement; each takes the package to measure and prints JSON."""
