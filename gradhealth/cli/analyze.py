"""`gradhealth analyze`: one file, everything that can be found out about it."""

from pathlib import Path
from typing import Annotated

import typer

from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Options

from .documents import name_of
from .judging import Judged, Judging
from .options import (
    Format,
    Layers,
    Local,
    LogFormatName,
    Map,
    Output,
    Server,
    choose_analyst,
)
from .output import deliver
from .progress import progress_of
from .run_results import LogReading, name_of_run


def analyze(
    file: Annotated[Path, typer.Argument(help="A spec in JSON, or a log.")],
    server: Server = None,
    local: Local = False,
    verify_fixes: Annotated[
        bool, typer.Option(help="Prove fixes by training with them.")
    ] = True,
    log_format: LogFormatName = "auto",
    mapping: Map = "",
    layers: Layers = "",
    format_name: Format = "text",
    output: Output = None,
) -> None:
    """Train a network shortly, say whether gradients flow, and prove what helps.

    A log of a training is judged as it is, each run in it by itself.
    """
    options = Options(verify_fixes=verify_fixes)
    reading = LogReading(log_format, mapping, layers)
    with choose_analyst(server, local=local) as analyst, progress_of(file.name) as show:
        found = Judging(analyst, reading).of(file, options, show)
    subjects = [_subject(name_of(file), each) for each in found]
    deliver(reports()[format_name]().render(subjects), output)


def _subject(file: str, judged: Judged) -> Subject:
    name = judged.title or name_of_run(file, judged.run)
    return Subject(name, judged.result, source=judged.source, run=judged.run)
