"""The problems that a policy may name."""

from ..thresholds import known_thresholds


def known_problems() -> list[str]:
    """Every problem that some detector finds, by name."""
    return sorted(known_thresholds())
