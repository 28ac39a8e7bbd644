"""Where recorded runs go."""

from .base import Header, Sink
from .choice import sink_for

__all__ = ["Header", "Sink", "sink_for"]
