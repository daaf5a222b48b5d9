"""The parts of the regret study: functions, methods, what was run, figures.

Functions and methods run in the environments of the peers, too, so they take nothing but numpy and
the method's own package.
"""
