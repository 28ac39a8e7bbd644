"""Weights & Biases: a history as JSON or CSV, or a chart's CSV with a column a run."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile, parse_json
from ..lines import csv_rows, json_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# Every history has these; a chart's export has a column "run - key" for each run.
_STEP, _CLOCKS = "_step", frozenset({"_runtime", "_timestamp"})
_CHART = re.compile(r"(?P<run>.+) - (?P<key>.+?)")
_CHART_BOUND = re.compile(r".+ - .+__(?:MIN|MAX)")
_CHART_AXES = frozenset({"Step", "trainer/global_step", "global_step", "epoch"})
# Columns that people add when they put several runs into one file.
_RUN_COLUMNS = ("run_id", "_run_id", "run_name", "Name", "run")
_HISTOGRAM = '{"'


class Wandb(TableFormat):
    """Rows with `_step`, most cells empty; histograms of gradients become norms."""

    name: ClassVar[str] = "wandb"
    title: ClassVar[str] = "W&B history and chart exports"
    hides: ClassVar[tuple[str, ...]] = (
        "values that are NaN or infinite: in what is downloaded they are gaps",
        "steps, where a long history was downloaded in samples",
    )
    # Columns are in no order, neither in the client's dictionaries nor in exports.
    keeps_order: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        names = _names(sample)
        if _STEP in names and _CLOCKS & names:
            return Certainty.CERTAIN
        return Certainty.CERTAIN if _is_chart(sample.header) else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:
        sample = Sample.of(file)
        rows = _rows(file, sample)
        if _is_chart(sample.header):
            _fill_from_chart(rows, tables)
            return
        column = mapping.run
        for place, row in rows:
            if column is None:
                column = next((c for c in _RUN_COLUMNS if c in row), "")
            run = str(row.pop(column, "") or file.name)
            tables.run(run).add_row(row, place)


def _names(sample: Sample) -> set[str]:
    if sample.header:
        return {*sample.header}
    if sample.rows:
        return {name for row in sample.rows for name in row}
    document = sample.document
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return {*document[0]}
    return {*document} if isinstance(document, dict) else set()


def _is_chart(header: Sequence[str]) -> bool:
    if not header or header[0] not in _CHART_AXES:
        return False
    return any(_CHART_BOUND.fullmatch(name) for name in header[1:])


def _rows(file: LogFile, sample: Sample) -> Iterable[tuple[str, dict[str, Any]]]:
    if sample.header:
        return _with_histograms(csv_rows(file, sample.delimiter))
    return json_rows(file) if sample.rows else _of_document(file.json())


def _with_histograms(
    rows: Iterable[tuple[str, dict[str, str]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Cells that hold a histogram as JSON are parsed."""
    for place, row in rows:
        parsed: dict[str, Any] = {}
        for name, cell in row.items():
            is_object = cell.startswith(_HISTOGRAM) and "histogram" in cell
            parsed[name] = parse_json(cell) if is_object else cell
        yield place, parsed


def _of_document(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a list of them, or of a table by column as pandas writes it."""
    if isinstance(document, dict):
        document = _transposed(document)
    if not isinstance(document, list):
        raise IngestError("expected a list of rows, or a table by column", "")
    for index, row in enumerate(document):
        if not isinstance(row, dict):
            raise IngestError("expected an object for each row", f"/{index}")
        yield f"/{index}", row


def _transposed(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name, column in columns.items():
        cells = dict(enumerate(column)) if isinstance(column, list) else column
        if isinstance(cells, dict):
            for key, value in cells.items():
                rows.setdefault(str(key), {})[name] = value
    return [*rows.values()]


def _fill_from_chart(
    rows: Iterable[tuple[str, dict[str, Any]]], tables: Tables
) -> None:
    for place, row in rows:
        step = next(iter(row.items()))
        for name, value in row.items():
            found = _CHART.fullmatch(name)
            if found and not _CHART_BOUND.fullmatch(name):
                cells = dict([step, (found["key"], value)])
                tables.run(found["run"]).add_row(cells, place)
