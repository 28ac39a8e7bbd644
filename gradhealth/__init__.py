"""Gradient-health analysis: can gradients flow, why not, and what makes them flow."""

from importlib.metadata import version

__version__ = version("gradhealth")
