"""`gradhealth analyze`: one spec, everything that can be found out about it."""

from pathlib import Path
from typing import Annotated

import typer

from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Options

from .documents import read_document, spec_of
from .judging import judge_document, source_of
from .options import Format, Local, Output, Server, choose_analyst
from .output import deliver
from .progress import progress_of


def analyze(
    file: Annotated[Path, typer.Argument(help="A spec in JSON.")],
    server: Server = None,
    local: Local = False,
    verify_fixes: Annotated[
        bool, typer.Option(help="Prove fixes by training with them.")
    ] = True,
    format_name: Format = "text",
    output: Output = None,
) -> None:
    """Train a network shortly, say whether gradients flow, and prove what helps."""
    document = read_document(file)
    name = str(spec_of(document).get("name") or file)
    options = Options(verify_fixes=verify_fixes)
    with choose_analyst(server, local=local) as analyst, progress_of(file.name) as show:
        result = judge_document(document, analyst, options, show)
    subject = Subject(name, result, source=source_of(document))
    deliver(reports()[format_name]().render([subject]), output)
