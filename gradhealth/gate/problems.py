"""The problems that a policy may name."""

from functools import cache

from ..detectors.base import Detector
from ..registry import subclasses_in


@cache
def known_problems() -> tuple[str, ...]:
    """Every problem that some detector finds, by name."""
    detectors = subclasses_in("gradhealth.detectors", Detector)
    return tuple(sorted({detector.problem for detector in detectors}))
