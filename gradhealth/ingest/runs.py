"""The runs in one file of rows."""

from collections.abc import Mapping
from typing import Any

from .files import LogFile
from .mapping import LogMapping


def run_of(row: Mapping[str, Any], mapping: LogMapping, file: LogFile) -> str:
    """The run that a row belongs to: by the user's column, else all of one file."""
    if mapping.run is None:
        return file.name
    return str(row.get(mapping.run, ""))
