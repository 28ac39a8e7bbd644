"""Records a training's gradients: the probe, and what a user adds to a script."""

from .diagnosis import Judgement, diagnose
from .recorder import Recorder

__all__ = ["Judgement", "Recorder", "diagnose"]
