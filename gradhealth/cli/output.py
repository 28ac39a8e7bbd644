"""What goes to the terminal: reports on stdout, everything else on stderr."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme

from gradhealth.reports.base import reports

# For terminals that know ASCII only.
_ASCII = str.maketrans("●○◉┤─└±→", "*o@|-+~>")


class _VerdictHighlighter(RegexHighlighter):
    """Colours the words a reader looks for."""

    highlights = (
        r"(?P<bad>\b(critical|failed|no result)\b)",
        r"(?P<doubtful>\b(warning|insufficient_data|no help)\b)",
        r"(?P<good>\b(healthy|verified|passed)\b)",
    )


_THEME = Theme({"bad": "bold red", "doubtful": "yellow", "good": "bold green"})


def console(*, stderr: bool) -> Console:
    """A console that prints what it is given: colours only on a terminal."""
    return Console(
        stderr=stderr,
        theme=_THEME,
        highlighter=_VerdictHighlighter(),
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def say(message: str) -> None:
    """Prints to stdout."""
    console(stderr=False).print(_encodable(message, sys.stdout.encoding))


def complain(message: str) -> None:
    """Prints to stderr, in the name of the program."""
    line = _encodable(f"gradhealth: {message}", sys.stderr.encoding)
    console(stderr=True).print(line, highlight=False)


def deliver(report: str, path: Path | None) -> None:
    """Writes a report to a file, or to stdout."""
    if path is None:
        say(report)
    else:
        path.write_text(f"{report}\n", encoding="utf-8")


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


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII).encode(encoding, errors="replace")
        return plain.decode(encoding)
    return text
