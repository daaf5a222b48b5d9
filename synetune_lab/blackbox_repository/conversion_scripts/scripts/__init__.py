"""Turns the raw data of published benchmarks into blackboxes."""
