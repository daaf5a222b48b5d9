"""Models of what a configuration costs, and of other quantities that trials report."""
