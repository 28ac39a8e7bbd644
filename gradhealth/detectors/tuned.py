"""The detectors with thresholds of one's own: of a policy, or of a request."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import TypeAlias, TypeVar

from ..document import nearest, quoted
from ..exceptions import InvalidDocumentError, Problem
from ..registry import subclasses_in
from .base import Detector, Threshold

# By problem, then by the name of the detector's field.
Thresholds: TypeAlias = Mapping[str, Mapping[str, float]]
DEFAULTS: Thresholds = {}

D = TypeVar("D", bound=Detector)


def tuned(kind: type[D], thresholds: Thresholds) -> D:
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


def thresholds_of(detector: Detector) -> dict[str, Threshold]:
    """The thresholds a detector decides by, under their names."""
    values = {
        field.name: getattr(detector, field.name)
        for field in fields(detector)  # type: ignore[arg-type]  # all are dataclasses
    }
    return {n: value for n, value in values.items() if isinstance(value, Threshold)}


@cache
def known_thresholds() -> Mapping[str, Mapping[str, Threshold]]:
    """Every threshold by problem and name, with its default value."""
    known: dict[str, dict[str, Threshold]] = {}
    for detector in all_detectors():
        known.setdefault(detector.problem, {}).update(thresholds_of(detector))
    return known


def check_thresholds(thresholds: Thresholds, pointer: str = "") -> None:
    """Refuses problems and thresholds nobody knows, which would do nothing.

    Raises:
        InvalidDocumentError: A problem for each unknown name.
    """
    problems = [*_unknown(thresholds, pointer)]
    if problems:
        raise InvalidDocumentError(problems)


def _unknown(thresholds: Thresholds, pointer: str) -> Iterator[Problem]:
    known = known_thresholds()
    for problem, values in thresholds.items():
        if problem not in known:
            hint = nearest(problem, [*known])
            text = f"unknown problem {quoted(problem)}{hint}"
            yield Problem(f"{pointer}/{problem}", text)
            continue
        for name in values:
            if name not in known[problem]:
                hint = nearest(name, [*known[problem]])
                text = f"{problem} has no threshold {quoted(name)}{hint}"
                yield Problem(f"{pointer}/{problem}/{name}", text)
