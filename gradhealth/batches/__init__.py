"""Batches of a run's statistics: built, packed, kept and read."""
