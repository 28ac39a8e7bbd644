"""Every threshold that a policy or a request may set, of architectures and of logs."""

from collections.abc import Iterator, Mapping
from functools import cache

from .detectors.base import Threshold
from .detectors.tuned import Judge, Thresholds, all_detectors, thresholds_of
from .documents.base import nearest, quoted
from .exceptions import InvalidDocumentError, Problem
from .logs.detectors.tuned import all_log_detectors


@cache
def known_thresholds() -> Mapping[str, Mapping[str, Threshold]]:
    """Every threshold by problem and name, with its default value.

    Where an architecture and a log are held against thresholds of one name, that of the
    architecture is told.
    """
    known: dict[str, dict[str, Threshold]] = {}
    judges: list[Judge] = [*all_log_detectors(), *all_detectors()]
    for detector in judges:
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
