"""Optimisers: which configuration next, and which trial goes on."""
