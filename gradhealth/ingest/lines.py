"""Rows of files that are read line by line."""

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..documents.base import quoted
from .exceptions import IngestError, LogTooLargeError
from .files import LogFile, parse_json


def json_rows(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and object of each line of JSON; a last line that is cut off is left out.

    Raises:
        IngestError: Another line is no JSON object.
    """
    broken: IngestError | None = None
    number = 0
    for number, line in file.lines():
        if not line.strip():
            continue
        if broken is not None:
            raise broken
        place = f"line {number}"
        try:
            row = parse_json(line)
        except IngestError as error:
            # Only the last line may be: the run that wrote it was killed.
            broken = IngestError(f"{place}: {error.problems[0].message}")
            continue
        if not isinstance(row, dict):
            raise IngestError(f"{place}: expected a JSON object for each step")
        yield place, row
    if broken is not None:
        if number == 1:
            raise broken
        file.notes.append("the last line was cut short and left out")


def csv_rows(file: LogFile, delimiter: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Place and filled cells of each row of a table, by the names in its header.

    A last row that is cut off is left out.

    Raises:
        IngestError: Names that are not distinct, or a row that is too long or short.
    """
    for place, names, cells in csv_cells(file, delimiter):
        yield place, {n: c for n, c in zip(names, cells, strict=True) if c}


def csv_cells(
    file: LogFile, delimiter: str
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Place, names and cells of each row; see `csv_rows`."""
    rows = csv.reader(_lines(file, delimiter), delimiter=delimiter)
    header: list[str] = []
    names: list[str] = []
    short: str | None = None
    num_headers = 0
    try:
        for row in rows:
            if not row:
                continue
            place = f"line {rows.line_num}"
            if short is not None:
                raise IngestError(short)
            if not names:
                header, names = row, _distinct(row)
            elif row == header:
                # Appended by a run that was started again.
                num_headers += 1
            elif len(row) == len(names):
                yield place, names, row
            else:
                short = f"{place} has {len(row):,} cells, the header {len(names):,}"
    except csv.Error as error:
        raise IngestError(f"line {rows.line_num}: not a table: {error}") from error
    if num_headers:
        file.notes.append(f"the header stands {num_headers:,} times more in the file")
    if short is not None:
        file.notes.append("the last row was cut short and left out")


def _lines(file: LogFile, delimiter: str) -> Iterator[str]:
    limit = file.limits.columns
    for number, line in file.lines():
        if line.count(delimiter) >= limit and number == 1:
            raise LogTooLargeError(f"the table has more than {limit:,} columns")
        yield line


def _distinct(header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    counts = Counter(names)
    name, count = counts.most_common(1)[0]
    if count > 1:
        raise IngestError(f"the column {quoted(name)} is there {count} times")
    return names
