"""Judges the log of a run that somebody else trained: against its own history."""
