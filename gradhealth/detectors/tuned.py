"""The detectors with thresholds of one's own: of a policy, or of a request."""

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from ..registry import subclasses_in
from .base import Detector, Threshold

# By problem, then by the name of the detector's field.
Thresholds: TypeAlias = Mapping[str, Mapping[str, float]]
DEFAULTS: Thresholds = {}


class Judge(Protocol):
    """Finds one problem, by thresholds that are fields of a dataclass."""

    problem: ClassVar[str]


J = TypeVar("J", bound=Judge)


def tuned(kind: type[J], thresholds: Thresholds) -> J:
    """A detector whose named thresholds have other values.

    Args:
        kind: The detector's class.
        thresholds: Checked by `check_thresholds`; other problems' are left alone.
    """
    detector = kind()
    known = thresholds_of(detector)
    changes = {
        name: replace(known[name], value=value, source="set by the user")
        for name, value in thresholds.get(kind.problem, {}).items()
        if name in known
    }
    return replace(detector, **changes)  # type: ignore[type-var]  # all are dataclasses


def all_detectors(thresholds: Thresholds = DEFAULTS) -> list[Detector]:
    """Every detector of this folder, in the order of their modules."""
    return [tuned(kind, thresholds) for kind in detector_classes()]


@cache
def detector_classes() -> tuple[type[Detector], ...]:
    """The class of every detector of this folder."""
    return tuple(subclasses_in(__package__, Detector))


def thresholds_of(detector: Judge) -> dict[str, Threshold]:
    """The thresholds a detector decides by, under their names."""
    values = {
        field.name: getattr(detector, field.name)
        for field in fields(detector)  # type: ignore[arg-type]  # all are dataclasses
    }
    return {n: value for n, value in values.items() if isinstance(value, Threshold)}
