"""Runs that are still going: their numbers, and what was judged of them."""
