"""Proves fixes: candidates are screened, trained and ranked."""
