"""`gradhealth check`: the gate of a build, one exit status for any number of specs."""

import glob
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from gradhealth.exceptions import (
    GradHealthError,
    InvalidDocumentError,
    TimeLimitError,
)
from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Options, Result
from gradhealth.schemas.finding import Verdict

from .analyst import Analyst
from .documents import UnusableFileError, not_a_spec, read_spec
from .exit_codes import ExitCode, worst
from .options import Format, Output, Server, choose_analyst
from .output import complain, deliver
from .progress import progress_of

FailOn: TypeAlias = Literal["critical", "warning", "never"]
_FAILING: dict[FailOn, frozenset[Verdict]] = {
    "critical": frozenset({"critical"}),
    "warning": frozenset({"critical", "warning"}),
    "never": frozenset(),
}
_MEANINGS = {
    ExitCode.PASSED: "the gate passed",
    ExitCode.FAILED: "the gate failed",
    ExitCode.UNDECIDED: "could not decide",
    ExitCode.NOTHING: "nothing to check",
    ExitCode.USAGE: "not every file could be read as a spec",
}


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked of every file.

    Attributes:
        failing: The verdicts that do not pass.
        give_up_at: When the time is over, on the monotonic clock.
    """

    options: Options
    failing: frozenset[Verdict]
    give_up_at: float | None

    def judge(self, verdict: Verdict) -> ExitCode:
        """The exit status that a verdict means."""
        if verdict == "insufficient_data":
            return ExitCode.NOTHING
        return ExitCode.FAILED if verdict in self.failing else ExitCode.PASSED

    def seconds_left(self) -> float | None:
        """Time for the rest, or None when it does not matter."""
        if self.give_up_at is None:
            return None
        left = self.give_up_at - time.monotonic()
        if left <= 0:
            raise TimeLimitError("the time for all files is over")
        return left


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one file."""

    subject: Subject
    code: ExitCode


def check(
    files: Annotated[list[str], typer.Argument(help="Specs in JSON, or globs.")],
    server: Server = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="The mildest verdict that fails the gate.")
    ] = "critical",
    verify_fixes: Annotated[
        bool, typer.Option("--verify-fixes", help="Prove fixes by training with them.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds for all files together.")
    ] = None,
    format_name: Format = "text",
    output: Output = None,
) -> None:
    """Fail when gradients do not flow: 0 passed, 1 failed, 2 undecided, 3 nothing.

    A file that cannot be read as a spec, or a wrong option: 64. Of several, the worst
    in the order 1, 2, 64, 0.
    """
    gate = Gate(
        options=Options(verify_fixes=verify_fixes),
        failing=_FAILING[fail_on],
        give_up_at=None if timeout is None else time.monotonic() + timeout,
    )
    with choose_analyst(server, local=False) as analyst:
        checked = [_check(path, analyst, gate) for path in _expand(files)]
    report = reports()[format_name]()
    deliver(report.render([each.subject for each in checked]), output)
    code = worst([each.code for each in checked])
    complain(f"{_MEANINGS[code]} ({len(checked)} checked)")
    raise typer.Exit(code)


def _expand(patterns: Sequence[str]) -> Iterator[Path]:
    # The shell leaves a quoted or an unmatched glob to us. What is no glob is a file
    # that must be there.
    for pattern in patterns:
        if glob.has_magic(pattern) and not Path(pattern).exists():
            # Path.glob would not take an absolute pattern.
            found = glob.glob(pattern, recursive=True)  # noqa: PTH207
            yield from map(Path, sorted(found))
        else:
            yield Path(pattern)


def _check(path: Path, analyst: Analyst, gate: Gate) -> Checked:
    try:
        result = _analyse(path, analyst, gate)
    except UnusableFileError as error:
        return Checked(Subject(str(path), error=str(error)), ExitCode.USAGE)
    except GradHealthError as error:
        return Checked(Subject(str(path), error=str(error)), ExitCode.UNDECIDED)
    return Checked(Subject(str(path), result), gate.judge(result.verdict))


def _analyse(path: Path, analyst: Analyst, gate: Gate) -> Result:
    spec = read_spec(path)
    seconds = gate.seconds_left()
    try:
        with progress_of(path.name) as show:
            return analyst.analyse(spec, gate.options, show, seconds=seconds)
    except InvalidDocumentError as error:
        raise not_a_spec(path, error.problems) from error
