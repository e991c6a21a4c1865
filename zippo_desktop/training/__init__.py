"""Training, evaluating and exporting Zippo networks."""
