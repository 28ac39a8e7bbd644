"""The command line."""

from . import single_thread  # noqa: F401 -- first, for what it does
from .app import main

__all__ = ["main"]
