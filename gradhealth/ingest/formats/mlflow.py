"""MLflow: a file for each metric in its folder of runs, or what its server answers."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..lines import json_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# Milliseconds since 1970, the number, and the step, which old versions left out.
_LINE = re.compile(r"\d{10,16} \S+(?: \d+(?: .*)?)?")
_FOLDER = "/metrics/"
_METRICS, _KEY, _VALUE, _RUN = "metrics", "key", "value", "run_id"
_NEXT = "next_page_token"


class MLflow(TableFormat):
    """Files of `timestamp value step`, and answers of metrics/get-history.

    A folder of runs comes as a zip or tar; a run is called by its path.
    """

    name: ClassVar[str] = "mlflow"
    title: ClassVar[str] = "MLflow metric files and REST answers"
    hides: ClassVar[tuple[str, ...]] = (
        "steps, where autologging wrote means over epochs",
    )
    by_row: ClassVar[bool] = False
    # Files of a folder and keys of a server are in no order of layers.
    keeps_order: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        if sample.rows or sample.document is not None:
            rows = sample.rows or [sample.document]
            return Certainty.CERTAIN if _is_answer(rows[0]) else Certainty.NO
        if not sample.lines or not all(map(_LINE.fullmatch, sample.lines)):
            return Certainty.NO
        return Certainty.CERTAIN if _FOLDER in sample.name else Certainty.LIKELY

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        sample = Sample.of(file)
        if not sample.rows and sample.document is None:
            _fill_from_lines(file, tables)
            return
        for place, metric in _metrics(file, is_lines=bool(sample.rows)):
            run = str(metric.get(_RUN) or file.name)
            step, value = _step(metric.get("step", 0), place), metric.get(_VALUE)
            tables.run(run).add(step, str(metric.get(_KEY)), value, place)


def _is_answer(document: Any) -> bool:
    if isinstance(document, list):
        return bool(document) and _is_answer(document[0])
    if not isinstance(document, dict):
        return False
    listed = document.get(_METRICS)
    if isinstance(listed, list):
        return bool(listed) and _is_answer(listed[0])
    return {_KEY, _VALUE, "timestamp"} <= document.keys()


def _metrics(file: LogFile, *, is_lines: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each metric in answers, of which there may be several in a list or by line."""
    answers = json_rows(file) if is_lines else [("", file.json())]
    answer: Any = None
    for place, answer in answers:
        yield from _in_answer(answer, place)
    if isinstance(answer, list) and answer:
        answer = answer[-1]
    if isinstance(answer, dict) and answer.get(_NEXT):
        file.notes.append("the history goes on: its next page is not here")


def _in_answer(answer: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(answer, list):
        for index, each in enumerate(answer):
            yield from _in_answer(each, f"{place}/{index}")
    elif isinstance(answer, dict) and isinstance(answer.get(_METRICS), list):
        yield from _in_answer(answer[_METRICS], f"{place}/{_METRICS}")
    elif isinstance(answer, dict):
        yield place, answer
    else:
        raise IngestError("expected a metric with key, value and step", place)


def _fill_from_lines(file: LogFile, tables: Tables) -> None:
    run, folder, metric = f"/{file.name}".rpartition(_FOLDER)
    if not folder:
        run, metric = file.name, PurePosixPath(file.name).name or _VALUE
    table = tables.run(run.strip("/"))
    last = -1
    for number, line in file.lines():
        words = line.split()
        if len(words) > 1:
            place = f"line {number}"
            last = _step(words[2], place) if len(words) > 2 else last + 1  # noqa: PLR2004
            table.add(last, metric, words[1], place)


def _step(step: Any, place: str) -> int:
    try:
        number = int(step)
    except (TypeError, ValueError, OverflowError):
        raise IngestError(f"{place}: a step that is no whole number") from None
    if not 0 <= number <= 2**53:
        raise IngestError(f"{place}: the step {number} is below 0 or too large")
    return number
