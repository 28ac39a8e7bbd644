"""What a command's exit status says."""

from collections.abc import Collection
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses of `gradhealth`; usage errors follow sysexits.h."""

    PASSED = 0
    FAILED = 1
    UNDECIDED = 2
    NOTHING = 3
    USAGE = 64


# What decides when there are several, the most important first.
_WORST = (
    ExitCode.FAILED,
    ExitCode.UNDECIDED,
    ExitCode.USAGE,
    ExitCode.PASSED,
    ExitCode.NOTHING,
)


def worst(codes: Collection[ExitCode]) -> ExitCode:
    """The one status that stands for all of them."""
    return next((code for code in _WORST if code in codes), ExitCode.NOTHING)
