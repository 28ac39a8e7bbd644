"""What goes to the terminal: reports on stdout, everything else on stderr."""

import sys
from pathlib import Path

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme

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


def _encodable(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII).encode(encoding, errors="replace")
        return plain.decode(encoding)
    return text
