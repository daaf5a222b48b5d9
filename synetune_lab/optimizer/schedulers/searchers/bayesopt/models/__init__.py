"""Documented paths of acquisition functions."""
