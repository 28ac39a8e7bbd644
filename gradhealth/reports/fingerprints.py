"""Names a finding in a way that stays the same from run to run."""

import hashlib

from ..schemas.finding import Finding
from .base import Subject


def fingerprint(subject: Subject, finding: Finding) -> str:
    """SHA-256 of file, run and problem, which is found once in a result.

    No numbers, no wording, and no layers: a layer that is inserted above the one to
    blame gives it another path, and what was dismissed must not come back by that.
    """
    parts = (subject.place, finding.problem)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
