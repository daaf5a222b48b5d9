"""Makes the two benchmarks that come with the package, by training the models for real."""
