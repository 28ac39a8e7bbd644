"""Records a training's gradients: the probe, and what a user adds to a script."""

from .recorder import Recorder

__all__ = ["Recorder"]
