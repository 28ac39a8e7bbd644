"""Runs that are still going: taken in, judged, followed."""
