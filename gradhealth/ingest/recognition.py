"""Finds out a file's format from its content."""

from ..document import nearest, quoted
from .exceptions import UnknownFormatError
from .files import LogFile
from .formats.base import Certainty, LogFormat, log_formats
from .sample import Sample

AUTO = "auto"


def format_of(file: LogFile, wanted: str = AUTO) -> LogFormat:
    """The format of a file.

    Args:
        file: Whose beginning is looked at.
        wanted: A format's name, or `auto`.

    Raises:
        UnknownFormatError: No format fits, or several as well as each other.
    """
    formats = log_formats()
    if wanted != AUTO:
        if wanted not in formats:
            hint = nearest(wanted, [AUTO, *formats])
            raise UnknownFormatError(f"unknown format {quoted(wanted)}{hint}")
        return formats[wanted]
    sample = Sample.of(file)
    certainties = {name: each.recognise(sample) for name, each in formats.items()}
    best = max(certainties.values())
    fitting = [name for name, certainty in certainties.items() if certainty == best]
    if best == Certainty.NO:
        raise UnknownFormatError(
            "no log in a known format: it should be a JSON document, lines of JSON, or "
            "a table with a header, with a name such as loss or grad_norm; or name its "
            f"format, one of {', '.join(formats)}"
        )
    if len(fitting) > 1:
        raise UnknownFormatError(
            f"this could be {' or '.join(fitting)}: name the format"
        )
    return formats[fitting[0]]
