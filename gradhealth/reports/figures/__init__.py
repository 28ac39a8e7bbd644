"""Figures of a result, as numbers to draw: the templates turn them into SVG."""
