"""JSON, read and written: strictly, within bounds, compared."""
