"""Names a finding in a way that stays the same from run to run."""

import hashlib

from ..schemas.finding import Finding
from .base import Subject


def fingerprint(subject: Subject, finding: Finding) -> str:
    """SHA-256 of file, run, problem and first blamed layer: no numbers, no wording."""
    layers = [*finding.cause.layers, *finding.layers]
    parts = (subject.place, finding.problem, layers[0] if layers else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
