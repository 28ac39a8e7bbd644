"""The door: a file in, one trace a run out."""

import io
from pathlib import Path
from typing import BinaryIO

from ..documents.base import quoted
from ..schemas.trace import Trace
from .archives import files_in
from .deadline import Deadline
from .exceptions import IngestError
from .files import LogFile
from .limits import DEFAULT_LIMITS, IngestLimits
from .mapping import LogMapping
from .recognition import AUTO, formats_in

NO_MAPPING = LogMapping()


def read_log(
    source: bytes | Path | BinaryIO,
    *,
    filename: str = "",
    format_name: str = AUTO,
    mapping: LogMapping = NO_MAPPING,
    limits: IngestLimits = DEFAULT_LIMITS,
) -> list[Trace]:
    """The runs in a log.

    Args:
        source: The file: its content, its path, or an open file that can be read from
            the front; gzip is unpacked, and zip and tar.
        filename: Its name, which some formats need; that of the path when left out.
        format_name: One of `log_formats`, or `auto` to recognise it.
        mapping: Names of the log that are not the usual ones.
        limits: What it may take.

    Raises:
        IngestError: It cannot be read, is too large, or nothing in it can be judged.
    """
    if isinstance(source, Path):
        with _opened(source) as stream:
            return _read(stream, filename or source.name, format_name, mapping, limits)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return _read(stream, filename, format_name, mapping, limits)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise IngestError(f"cannot read {path}: {error.strerror}") from error


def _read(
    stream: BinaryIO,
    filename: str,
    format_name: str,
    mapping: LogMapping,
    limits: IngestLimits,
) -> list[Trace]:
    file = LogFile(filename, stream, limits, Deadline(limits.seconds))
    if not file.head(1):
        raise IngestError("the file is empty: send the log as it was written")
    with files_in(file) as files:
        groups = formats_in(files, format_name)
        if files != [file]:
            groups[0][1][0].notes.extend(file.notes)
        traces = [
            trace
            for log_format, members in groups
            for trace in log_format.read(members, mapping, limits)
        ]
    if not traces:
        names = " and ".join(quoted(log_format.name) for log_format, _ in groups)
        raise IngestError(
            f"read as {names}, but no loss, gradient norm or layer's statistic is in "
            "it: say what is what, as in map=step:iteration,loss:cost"
        )
    return traces
