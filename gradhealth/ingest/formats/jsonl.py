"""Lines of JSON, one a step: what most people's own loggers write."""

from typing import ClassVar

from ..columns import Tables
from ..files import LogFile
from ..lines import json_rows
from ..mapping import LogMapping
from ..runs import run_of
from ..sample import Sample
from .base import Certainty, TableFormat


class JsonLines(TableFormat):
    """An object a line."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "JSON lines"

    def recognise(self, sample: Sample) -> Certainty:
        return Certainty.READABLE if sample.rows else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:
        for place, row in json_rows(file):
            tables.run(run_of(row, mapping, file)).add_row(row, place)
