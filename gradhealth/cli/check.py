"""`gradhealth check`: the gate of a build, one exit status for any number of files."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from gradhealth.gate.baselines import Baseline
from gradhealth.gate.judgement import Gate
from gradhealth.gate.pipelines import page_of
from gradhealth.gate.policy import DEFAULT_FAIL_ON, FailOn, expired
from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Options

from .baselines import find_baseline, read_baseline
from .documents import UnusableFileError, name_of
from .examination import Deadline, Examination, Examined, expand
from .exit_codes import ExitCode, worst
from .judging import Judging
from .options import (
    Fast,
    Files,
    Format,
    Layers,
    LogFormatName,
    Map,
    Outputs,
    Project,
    Server,
    Timeout,
    VerifyFixes,
    choose_analyst,
    client_of,
)
from .output import complain, deliver, destinations_of
from .policies import PolicyFile, read_policy
from .run_results import LogReading

_MEANINGS = {
    ExitCode.PASSED: "the gate passed",
    ExitCode.FAILED: "the gate failed",
    ExitCode.UNDECIDED: "could not decide",
    ExitCode.NOTHING: "nothing to check",
    ExitCode.USAGE: "not every file could be read or written",
}
_WORDS = {
    ExitCode.FAILED: "failed",
    ExitCode.UNDECIDED: "undecided",
    ExitCode.USAGE: "unreadable",
    ExitCode.PASSED: "passed",
    ExitCode.NOTHING: "without a verdict",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one file, or of one run in it."""

    subject: Subject
    code: ExitCode


def check(
    files: Files,
    server: Server = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|ID|BRANCH",
            help="Fail only for what got worse than this.",
        ),
    ] = None,
    policy_file: PolicyFile = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="The mildest verdict that fails the gate.")
    ] = None,
    fast: Fast = False,
    verify_fixes: VerifyFixes = False,
    timeout: Timeout = None,
    project: Project = "default",
    log_format: LogFormatName = "auto",
    mapping: Map = "",
    layers: Layers = "",
    format_name: Format = "text",
    outputs: Outputs = None,
) -> None:
    """Fail when gradients do not flow: 0 passed, 1 failed, 2 undecided, 3 nothing.

    A file that cannot be read, or a wrong option: 64. Of several, the worst in the
    order 1, 2, 64, 0.
    """
    destinations = destinations_of(format_name, outputs or [])
    if fast and verify_fixes:
        raise typer.BadParameter(
            "--fast trains nothing, so it can verify no fixes: leave one of both out"
        )
    policy = read_policy(policy_file)
    today = dt.datetime.now().astimezone().date()
    for ignore in expired(policy, today):
        complain(f"the ignore of {ignore.problem} expired on {ignore.until}")
    paths = expand(files)
    gate = Gate(
        policy=policy,
        fail_on=fail_on or policy.fail_on or DEFAULT_FAIL_ON,
        today=today,
        # Before anything is sent, or a branch's newest results would be our own.
        baseline=_baseline(baseline, server, project, paths),
    )
    options = Options(verify_fixes=verify_fixes)
    analyst = choose_analyst(server, fast=fast, project=project)
    with analyst:
        judging = Judging(analyst, LogReading(log_format, mapping, layers))
        examination = Examination(judging, policy, options, Deadline(timeout))
        examined = examination.of_all(paths)
    checked = [_checked(each, gate) for each in examined]
    unwritten = _report([each.subject for each in checked], destinations)
    code = worst([*(each.code for each in checked), *unwritten])
    complain(f"{_MEANINGS[code]} ({_counted(checked)})")
    raise typer.Exit(code)


def _baseline(
    given: str | None, server: str | None, project: str, paths: Sequence[Path]
) -> Baseline | None:
    if given is None:
        return None
    names = {name_of(path) for path in paths}
    is_file = Path(given).is_file() or given.endswith(".json")
    if server is None or is_file:
        found = read_baseline(Path(given))
    else:
        with client_of(server) as client:
            found = find_baseline(client, given, project, names)
    if not found:
        hint = "" if server or is_file else " (a branch or an id needs --server)"
        complain(f"no baseline {given}{hint}: nothing to compare with, the gate passes")
    return found


def _report(
    subjects: Sequence[Subject], destinations: Mapping[str, Path | None]
) -> list[ExitCode]:
    """A code for each report that could not be written."""
    codes, link = [], page_of(os.environ)
    for name, path in destinations.items():
        try:
            deliver(reports()[name](link).render(subjects), path)
        except UnusableFileError as error:
            complain(str(error))
            codes.append(ExitCode.USAGE)
    return codes


def _checked(examined: Examined, gate: Gate) -> Checked:
    result, source = examined.result, examined.source
    if result is None:
        subject = Subject(
            examined.name,
            error=examined.error,
            error_line=examined.line,
            source=source,
        )
        return Checked(subject, examined.code)
    judgement = gate.judge(examined.file, result, name=examined.name)
    subject = Subject(
        examined.name,
        judgement.result,
        source=source,
        blocking=judgement.blocking,
        comparison=judgement.comparison,
        run=examined.run,
    )
    if judgement.blocking:
        return Checked(subject, ExitCode.FAILED)
    is_open = result.verdict == "insufficient_data"
    return Checked(subject, ExitCode.NOTHING if is_open else ExitCode.PASSED)


def _counted(checked: Sequence[Checked]) -> str:
    counts = Counter(each.code for each in checked)
    parts = [f"{counts[code]} {word}" for code, word in _WORDS.items() if counts[code]]
    return ", ".join([f"{len(checked)} checked", *parts[: len(checked)]])
