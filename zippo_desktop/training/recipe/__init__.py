"""Building the training set of zippo-mini from package registries."""
