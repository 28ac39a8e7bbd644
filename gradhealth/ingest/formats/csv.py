"""Tables of separated values with a header: one column a name, one row a step."""

from typing import ClassVar

from ..columns import Tables
from ..files import LogFile
from ..lines import csv_rows
from ..mapping import LogMapping
from ..numbers import is_number
from ..runs import run_of
from ..sample import Sample
from .base import Certainty, TableFormat


class Csv(TableFormat):
    """Commas, semicolons or tabs between the cells; empty cells were not logged."""

    name: ClassVar[str] = "csv"
    title: ClassVar[str] = "CSV with a header"

    def recognise(self, sample: Sample) -> Certainty:
        if not sample.table:
            return Certainty.NO
        # A header of numbers is data, and a table without numbers is prose.
        if any(map(is_number, sample.header)):
            return Certainty.NO
        cells = [cell for row in sample.table[1:] for cell in row if cell.strip()]
        numbers = sum(map(is_number, cells))
        return Certainty.READABLE if numbers else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:
        for place, row in csv_rows(file, Sample.of(file).delimiter):
            tables.run(run_of(row, mapping, file)).add_row(row, place)
