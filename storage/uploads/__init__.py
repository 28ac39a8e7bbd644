"""Logs as they were sent, and the analyses of the runs in them."""
