"""Looks at files one after the other; what goes wrong with one is its own result."""

import glob
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradhealth.exceptions import GradHealthError, TimeLimitError
from gradhealth.gate.policy import Policy, thresholds_for
from gradhealth.schemas.analysis import Options, Result, Source

from .analyst import Analyst
from .documents import UnusableFileError, name_of, read_document
from .exit_codes import ExitCode
from .judging import judge_document, source_of
from .progress import progress_of


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one file.

    Attributes:
        result: As it was measured; null where there is none.
        error: Why there is no result.
        code: The exit status that stands for the missing result.
    """

    name: str
    result: Result | None = None
    error: str | None = None
    code: ExitCode = ExitCode.PASSED
    source: Source | None = None


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
            raise TimeLimitError("the time for all files is over")
        return left


@dataclass(frozen=True, slots=True)
class Examination:
    """What is done with every file.

    Attributes:
        policy: Whose thresholds the files are judged by.
    """

    analyst: Analyst
    policy: Policy
    options: Options
    deadline: Deadline

    def of(self, path: Path) -> Examined:
        """What became of a file."""
        examined = Examined(name_of(path))
        try:
            document = read_document(path)
            examined = replace(examined, source=source_of(document))
            thresholds = thresholds_for(self.policy, document.name)
            options = self.options.model_copy(update={"thresholds": thresholds})
            seconds = self.deadline.seconds_left()
            with progress_of(path.name) as show:
                result = judge_document(
                    document, self.analyst, options, show, seconds=seconds
                )
        except UnusableFileError as error:
            return replace(examined, error=str(error), code=ExitCode.USAGE)
        except GradHealthError as error:
            return replace(examined, error=str(error), code=ExitCode.UNDECIDED)
        return replace(examined, result=result)


def expand(patterns: Sequence[str]) -> list[Path]:
    """The files that are meant, each once.

    The shell leaves a quoted or an unmatched glob to us. What is no glob is a file
    that must be there.
    """
    paths: dict[Path, None] = {}
    for pattern in patterns:
        if glob.has_magic(pattern) and not Path(pattern).exists():
            # Path.glob would not take an absolute pattern.
            found = glob.glob(pattern, recursive=True)  # noqa: PTH207
            files = (Path(each) for each in sorted(found))
            paths |= dict.fromkeys(file for file in files if file.is_file())
        else:
            paths[Path(pattern)] = None
    return [*paths]
