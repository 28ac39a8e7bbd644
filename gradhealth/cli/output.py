"""What goes to the terminal: reports on stdout, everything else on stderr."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import typer
from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme

from gradhealth.reports.base import reports

from .documents import UnusableFileError

# For terminals that know ASCII only.
_ASCII = str.maketrans("●○◉┤─└±→", "*o@|-+~>")
# What must not stand around a word: then it is part of a file's name.
_ALONE = (r"(?<![\w./-])", r"(?![\w/-]|\.\w)")


class _VerdictHighlighter(RegexHighlighter):
    """Colours the words a reader looks for."""

    highlights = (
        rf"(?P<bad>{_ALONE[0]}(critical|failed|no result){_ALONE[1]})",
        rf"(?P<doubtful>{_ALONE[0]}(warning|insufficient_data|no help){_ALONE[1]})",
        rf"(?P<good>{_ALONE[0]}(healthy|verified|passed){_ALONE[1]})",
    )


_THEME = Theme({"bad": "bold red", "doubtful": "yellow", "good": "bold green"})


class _LastingConsole(Console):
    """Falls silent when nobody reads any more (`| head`); the work goes on.

    rich would end the program here, with the status of a failed gate.
    """

    def on_broken_pipe(self) -> None:
        _silence(self.file)


def console(*, stderr: bool) -> Console:
    """A console that prints what it is given: colours only on a terminal."""
    return _LastingConsole(
        stderr=stderr,
        theme=_THEME,
        highlighter=_VerdictHighlighter(),
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def say(message: str) -> None:
    """Prints to stdout."""
    screen = console(stderr=False)
    screen.print(_encodable(message, screen.file))


def complain(message: str) -> None:
    """Prints to stderr, in the name of the program."""
    screen = console(stderr=True)
    screen.print(_encodable(f"gradhealth: {message}", screen.file), highlight=False)


def deliver(report: str, path: Path | None) -> None:
    """Writes a report to stdout, or to a file, whose folders it makes.

    Raises:
        UnusableFileError: It cannot be written.
    """
    try:
        if path is None:
            say(report)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{report}\n", encoding="utf-8")
    except OSError as error:
        where = path or "to stdout"
        if path is None:
            _silence(sys.stdout)
        raise UnusableFileError(f"cannot write {where}: {error.strerror}") from error


def destinations_of(format_name: str, outputs: Sequence[str]) -> dict[str, Path | None]:
    """Where each report goes, by format; null is stdout.

    Args:
        format_name: The format of a path alone; without one it goes to stdout.
        outputs: Paths, and further reports as `format=path`.

    Raises:
        BadParameter: A format would go to two places.
    """
    destinations: dict[str, Path | None] = {}
    for output in outputs:
        name, equals, path = output.partition("=")
        if not (equals and name in reports()):
            name, path = format_name, output
        if name in destinations:
            raise typer.BadParameter(f"two outputs for the format {name}")
        destinations[name] = Path(path)
    return {format_name: None} | destinations


def _silence(stream: IO[str]) -> None:
    """Leads a stream nowhere, also for what it still holds when the program ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _encodable(text: str, stream: IO[str]) -> str:
    # A program that was started without a stdout has none here either.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII).encode(encoding, errors="replace")
        return plain.decode(encoding)
    return text
