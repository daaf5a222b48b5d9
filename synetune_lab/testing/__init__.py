"""Suites of tests that every implementation of a contract has to pass, one's own included."""
