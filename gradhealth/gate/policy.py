"""The policy file `gradhealth.toml`: which problem counts how much, and where."""

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from ..detectors.tuned import Thresholds
from ..documents.base import Document, nearest, quoted
from ..exceptions import InvalidDocumentError, Problem
from ..schemas.finding import Severity
from ..schemas.problems import problems_of
from ..thresholds import check_thresholds, known_thresholds
from .problems import known_problems

Level = Literal["off", "info", "warning", "critical"]
FailOn = Literal["critical", "warning", "never"]
Globs = Annotated[list[str], Field(min_length=1)]

DEFAULT_LEVEL: Level = "critical"
DEFAULT_FAIL_ON: FailOn = "critical"


class _OfProblems(Document):
    """Tables whose keys are problems."""

    @field_validator("levels", check_fields=False)
    @classmethod
    def _are_known(cls, levels: dict[str, Level]) -> dict[str, Level]:
        for problem in levels:
            _check_problem(problem)
        return levels


class Override(_OfProblems):
    """Levels and thresholds for some files; a later override wins over an earlier."""

    files: Globs
    levels: dict[str, Level] = {}
    thresholds: dict[str, dict[str, float]] = {}


class Ignore(Document):
    """Findings that are known and accepted for a while.

    Attributes:
        problem: What is accepted.
        files: Where, as globs; everywhere by default.
        reason: Why, for those who read it later.
        until: The last day on which it holds.
    """

    problem: str
    files: Globs = ["*"]
    reason: Annotated[str, Field(min_length=1)]
    until: dt.date

    @field_validator("until", mode="before")
    @classmethod
    def _may_be_quoted(cls, until: object) -> object:
        if not isinstance(until, str):
            return until
        try:
            return dt.date.fromisoformat(until)
        except ValueError:
            raise ValueError(f"{quoted(until)} is no date such as 2027-06-30") from None

    @field_validator("problem")
    @classmethod
    def _is_known(cls, problem: str) -> str:
        _check_problem(problem)
        return problem


class Policy(_OfProblems):
    """The whole file.

    Attributes:
        fail_on: The mildest severity that fails the gate.
        levels: The most that a problem may count: `off` hides it, `info` and
            `warning` lower what is worse, `critical` leaves it as it was measured.
        thresholds: Values for the named thresholds of detectors, by problem.
    """

    fail_on: FailOn | None = None
    levels: dict[str, Level] = {}
    thresholds: dict[str, dict[str, float]] = {}
    overrides: list[Override] = []
    ignore: list[Ignore] = []


@dataclass(frozen=True, slots=True)
class Setting:
    """A level that is in force, and where it comes from."""

    problem: str
    level: Level
    origin: str


@dataclass(frozen=True, slots=True)
class ThresholdSetting:
    """A threshold that is in force, and where it comes from."""

    problem: str
    name: str
    value: float
    unit: str
    origin: str


def parse_policy(text: str) -> Policy:
    """Reads the file.

    Raises:
        InvalidDocumentError: It is no TOML, or has keys or problems nobody knows.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDocumentError([Problem("", f"is no TOML: {error}")]) from error
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document)) from error
    check_thresholds(policy.thresholds, "/thresholds")
    for number, override in enumerate(policy.overrides):
        check_thresholds(override.thresholds, f"/overrides/{number}/thresholds")
    return policy


def settings(policy: Policy, path: str | None = None) -> Iterator[Setting]:
    """The level of every known problem.

    Args:
        policy: The file.
        path: Takes the overrides for this file into account.
    """
    for problem in known_problems():
        level, origin = DEFAULT_LEVEL, "default"
        if problem in policy.levels:
            level, origin = policy.levels[problem], "levels"
        for number, override in enumerate(policy.overrides):
            if path and _matches(path, override.files) and problem in override.levels:
                level, origin = override.levels[problem], f"overrides[{number}]"
        yield Setting(problem, level, origin)


def levels_for(policy: Policy, path: str) -> Mapping[str, Level]:
    """The level of each problem in a file."""
    return {setting.problem: setting.level for setting in settings(policy, path)}


def threshold_settings(
    policy: Policy, path: str | None = None
) -> Iterator[ThresholdSetting]:
    """Every threshold of every detector.

    Args:
        policy: The file.
        path: Takes the overrides for this file into account.
    """
    layers = [*_threshold_layers(policy, path)]
    for problem, thresholds in sorted(known_thresholds().items()):
        for name, threshold in thresholds.items():
            value, origin = threshold.value, "default"
            for its_origin, values in layers:
                if name in values.get(problem, {}):
                    value, origin = values[problem][name], its_origin
            yield ThresholdSetting(problem, name, value, threshold.unit, origin)


def thresholds_for(policy: Policy, path: str) -> dict[str, dict[str, float]]:
    """What the policy sets for a file, by problem and name; defaults are left out."""
    merged: dict[str, dict[str, float]] = {}
    for _, values in _threshold_layers(policy, path):
        for problem, its_values in values.items():
            merged.setdefault(problem, {}).update(its_values)
    return merged


def _threshold_layers(
    policy: Policy, path: str | None
) -> Iterator[tuple[str, Thresholds]]:
    """Where thresholds are set, the later winning over the earlier."""
    yield "thresholds", policy.thresholds
    for number, override in enumerate(policy.overrides):
        if path and _matches(path, override.files):
            yield f"overrides[{number}]", override.thresholds


def ignore_for(
    policy: Policy, path: str, problem: str, today: dt.date
) -> Ignore | None:
    """What says that this problem is accepted in this file today; null: nothing."""
    for ignore in policy.ignore:
        is_meant = ignore.problem == problem and _matches(path, ignore.files)
        if is_meant and today <= ignore.until:
            return ignore
    return None


def expired(policy: Policy, today: dt.date) -> list[Ignore]:
    """The ignores that no longer hold."""
    return [ignore for ignore in policy.ignore if today > ignore.until]


def capped(severity: Severity, level: Level) -> Severity | None:
    """What a severity counts under a level; null hides the finding."""
    order: tuple[Level, ...] = ("off", "info", "warning", "critical")
    least = order[min(order.index(severity), order.index(level))]
    return None if least == "off" else least


def _matches(path: str, globs: list[str]) -> bool:
    return any(fnmatchcase(path.replace("\\", "/"), glob) for glob in globs)


def _check_problem(problem: str) -> None:
    if problem not in (known := known_problems()):
        hint = nearest(problem, [*known])
        raise ValueError(f"unknown problem {quoted(problem)}{hint}")
