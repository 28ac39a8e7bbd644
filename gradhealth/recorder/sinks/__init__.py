"""Where recorded runs go."""

from .base import Header, Sink
from .destination import Destination

__all__ = ["Destination", "Header", "Sink"]
