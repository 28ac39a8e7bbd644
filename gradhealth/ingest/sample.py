"""The beginning of a file, looked at in the ways that formats ask for."""

import csv
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic_core import from_json

from .files import LogFile

# The header of a table with a column for each layer of a large network fits; where
# three lines do not, more is looked at.
HEAD_BYTES, LONG_HEAD_BYTES = 2**20, 2**23
MIN_LINES = 3
# Rows of a table, and lines, that are looked at.
MAX_LINES = 200
DELIMITERS = ",;\t"
# Bytes that are not UTF-8, beside 1 %: a text with a mistake, not another kind of file.
MAX_STRANGE = 8


@dataclass(frozen=True)
class Sample:
    """The first bytes of a file.

    Args:
        name: The file's.
        head: At most `HEAD_BYTES`, or `LONG_HEAD_BYTES` where lines are long.
        is_whole: Whether that is all of it.
    """

    name: str
    head: bytes
    is_whole: bool

    @classmethod
    def of(cls, file: LogFile) -> "Sample":
        """The sample of a file.

        Raises:
            IngestError: It is a broken gzip.
        """
        size = HEAD_BYTES
        head = file.head(size + 1)
        if len(head) > size and head.count(b"\n") < MIN_LINES:
            size = LONG_HEAD_BYTES
            head = file.head(size + 1)
        return cls(file.name, head[:size], len(head) <= size)

    @cached_property
    def text(self) -> str:
        """The head as text; what is not UTF-8 becomes U+FFFD."""
        return self.head.decode("utf-8-sig", errors="replace")

    @cached_property
    def is_text(self) -> bool:
        """Whether it looks like text at all."""
        strange = self.text.count("\ufffd")
        return "\0" not in self.text and strange <= MAX_STRANGE + len(self.text) // 100

    @cached_property
    def lines(self) -> list[str]:
        """The first lines that are complete and not empty."""
        lines = self.text.splitlines()
        if not self.is_whole and len(lines) > 1:
            lines.pop()
        return [line for line in lines if line.strip()][:MAX_LINES]

    @cached_property
    def document(self) -> Any:
        """The JSON document that begins here, as far as it goes; None for no JSON."""
        if not self._begins_as_json or self.rows:
            return None
        try:
            return from_json(self.text, allow_partial=not self.is_whole)
        except ValueError:
            return None

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The objects of JSON lines; nothing where the first lines are none."""
        rows = []
        for line in self.lines:
            try:
                row = from_json(line)
            except ValueError:
                break
            if not isinstance(row, dict):
                break
            rows.append(row)
        # One line alone is a document.
        return rows if len(self.lines) > 1 else []

    @cached_property
    def _begins_as_json(self) -> bool:
        return self.text.lstrip()[:1] in {"{", "["}

    @cached_property
    def delimiter(self) -> str:
        """What stands between the cells of a table."""
        first = self.lines[0] if self.lines else ""
        return max(DELIMITERS, key=first.count)

    @cached_property
    def table(self) -> list[list[str]]:
        """The first rows of a table with a header; nothing where it is none.

        A row that is too long or short is a mistake in a table, unless most are.
        """
        if not self.is_text or self._begins_as_json or not self.lines:
            return []
        try:
            header, *rows = csv.reader(self.lines, delimiter=self.delimiter)
        except csv.Error:
            return []
        fitting = [row for row in rows if len(row) == len(header)]
        return [header, *fitting] if 2 * len(fitting) > len(rows) else []

    @cached_property
    def header(self) -> list[str]:
        """The names of a table's columns."""
        return [name.strip() for name in self.table[0]] if self.table else []
