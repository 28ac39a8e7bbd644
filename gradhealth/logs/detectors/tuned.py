"""The detectors of logs with thresholds of one's own."""

from functools import cache

from ...detectors.tuned import DEFAULTS, Thresholds, tuned
from ...registry import subclasses_in
from .base import LogDetector


def all_log_detectors(thresholds: Thresholds = DEFAULTS) -> list[LogDetector]:
    """Every detector of this folder, in the order of their modules."""
    return [tuned(kind, thresholds) for kind in log_detector_classes()]


@cache
def log_detector_classes() -> tuple[type[LogDetector], ...]:
    """The class of every detector of this folder."""
    return tuple(subclasses_in(__package__, LogDetector))
