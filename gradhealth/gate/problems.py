"""The problems that a policy may name."""

from ..detectors.tuned import detector_classes


def known_problems() -> list[str]:
    """Every problem that some detector finds, by name."""
    return sorted({detector.problem for detector in detector_classes()})
