"""Logs that are too large for a request: read in a training process."""
