"""Looks at files one after the other; what goes wrong with one is its own result."""

import glob
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradhealth.exceptions import GradHealthError, TimeLimitError
from gradhealth.gate.policy import Policy, thresholds_for
from gradhealth.schemas.analysis import Options, Result, Source

from .documents import UnusableFileError, name_of
from .exit_codes import ExitCode
from .judging import Judging
from .progress import progress_of
from .run_results import name_of_run


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one file, or of one run in it.

    Attributes:
        file: As reports and policies name it.
        result: As it was measured; null where there is none.
        error: Why there is no result.
        line: Where in the file that is, from 1.
        code: The exit status that stands for the missing result.
        run: The run's name, where a log has several.
    """

    file: str
    source: Source
    result: Result | None = None
    error: str | None = None
    code: ExitCode = ExitCode.PASSED
    run: str = ""
    line: int = 1

    @property
    def name(self) -> str:
        """What reports and baselines call it."""
        return name_of_run(self.file, self.run)


class Deadline:
    """The time for all files together.

    Args:
        seconds: How long from now; None for as long as it takes.
    """

    def __init__(self, seconds: float | None) -> None:
        self._give_up_at = None if seconds is None else time.monotonic() + seconds

    def seconds_left(self) -> float | None:
        """Time for the rest, or None when it does not matter.

        Raises:
            TimeLimitError: There is none left.
        """
        if self._give_up_at is None:
            return None
        left = self._give_up_at - time.monotonic()
        if left <= 0:
            raise TimeLimitError("the time for all files is over; --timeout sets it")
        return left


@dataclass(frozen=True, slots=True)
class Examination:
    """What is done with every file.

    Attributes:
        policy: Whose thresholds the files are judged by.
    """

    judging: Judging
    policy: Policy
    options: Options
    deadline: Deadline

    def of(self, path: Path) -> list[Examined]:
        """What became of a file: one entry, or one for each run in a log."""
        name = name_of(path)
        thresholds = thresholds_for(self.policy, name)
        options = self.options.model_copy(update={"thresholds": thresholds})
        try:
            seconds = self.deadline.seconds_left()
            with progress_of(path.name) as show:
                found = self.judging.of(path, options, show, seconds=seconds)
        except UnusableFileError as error:
            return [_without_result(name, error, ExitCode.USAGE, error.line)]
        except GradHealthError as error:
            return [_without_result(name, error, ExitCode.UNDECIDED)]
        return [
            Examined(name, each.source, each.result, run=each.run) for each in found
        ]

    def of_all(self, paths: Sequence[Path]) -> list[Examined]:
        """What became of files, one after the other."""
        return [each for path in paths for each in self.of(path)]


def _without_result(
    name: str, error: GradHealthError, code: ExitCode, line: int = 1
) -> Examined:
    return Examined(name, Source(path=name), error=str(error), code=code, line=line)


def expand(patterns: Sequence[str]) -> list[Path]:
    """The files that are meant, each once.

    The shell leaves a quoted or an unmatched glob to us. What is no glob is a file
    that must be there.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        if glob.has_magic(pattern) and not Path(pattern).exists():
            paths |= dict.fromkeys(_matching(pattern))
        else:
            paths[Path(pattern)] = None
    return [*paths]


def _matching(pattern: str) -> list[Path]:
    # Path.glob would not take an absolute pattern.
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207
    # A link to a folder above leads to each file many times: the shortest way counts.
    ways: dict[Path, Path] = {}
    for file in sorted(map(Path, found), key=lambda file: len(file.parts)):
        if file.is_file():
            ways.setdefault(file.resolve(), file)
    return sorted(ways.values())
