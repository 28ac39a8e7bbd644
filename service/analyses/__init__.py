"""Analyses: submitted, followed, reported."""
