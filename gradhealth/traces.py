"""Reads traces that others wrote: every mistake is named with its place."""

import json
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from .documents.base import Document
from .documents.pointers import pointer_to
from .exceptions import MAX_PROBLEMS, InvalidDocumentError, Problem
from .schemas.problems import problems_of
from .schemas.trace import (
    Context,
    LayerDocument,
    Series,
    Trace,
    TracedLayer,
    decode_values,
)

NOT_FINITE = ("NaN", "Infinity", "-Infinity")
# Whole numbers up to here are exact in JSON and in float64.
MAX_STEP = 2**53
LARGEST = int(sys.float_info.max)

MAX_NAME_LENGTH = 200
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
# Rows are looked at by numpy: a model for each number would take a hundred times as
# long.
Rows = dict[Name, list[Any]]


class Columns(Document):
    """Numbers by step, and by step and layer.

    Attributes:
        steps: [T] ascending.
        series: Name to [T]; null where nothing was logged.
        layer_series: Name to [T][L].
    """

    steps: list[Annotated[int, Field(ge=0, le=MAX_STEP)]]
    series: Rows = {}
    layer_series: Rows = {}


def pack_traces(traces: Sequence[Trace]) -> bytes:
    """Traces as they are stored: compressed JSON, a list of them."""
    return zlib.compress(json.dumps([trace.to_json() for trace in traces]).encode())


class TraceDocument(Columns):
    """One logged run.

    Attributes:
        layers: In the order of depth where `context.layer_order` says so.
    """

    trace_version: Literal[1]
    run: Annotated[str, Field(max_length=500)] = ""
    layers: list[LayerDocument] | None = None
    context: dict[str, Any] = {}
    lags: list[Annotated[int, Field(ge=0, le=MAX_STEP)]] = []
    lag_series: Rows = {}


def parse_trace(document: Any, pointer: str = "") -> Trace:
    """The trace in a parsed JSON document.

    Args:
        document: What the JSON says; numbers that are not finite as the strings
            "NaN", "Infinity", "-Infinity".
        pointer: Where it stands in what the caller sent.

    Raises:
        InvalidDocumentError: It is none; at most 20 mistakes are listed.
    """
    read = _validated(document, pointer)
    context = parse_context(
        {"source_format": "trace", **read.context}, f"{pointer}/context"
    )
    problems = [*islice(_mistakes(read, pointer), MAX_PROBLEMS)]
    if problems:
        raise InvalidDocumentError(problems)
    layers = read.layers
    return Trace(
        run=read.run,
        layers=None
        if layers is None
        else tuple(TracedLayer(path=each.path, type=each.type) for each in layers),
        steps=np.asarray(read.steps, np.int64),
        series=decoded_columns(read.series),
        layer_series=decoded_columns(read.layer_series),
        context=context,
        lags=np.asarray(read.lags, np.int64),
        lag_series=decoded_columns(read.lag_series),
    )


def _validated(document: Any, pointer: str) -> TraceDocument:
    try:
        return TraceDocument.model_validate(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document, pointer)) from error


def parse_context(values: Mapping[str, Any], pointer: str) -> Context:
    """What is known about a run beside its numbers.

    Raises:
        InvalidDocumentError: A key or a value that makes no sense.
    """
    try:
        context = Context.model_validate(values)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, values, pointer)) from error
    limit = context.clip_max_norm
    if limit is not None and not 0 < limit < np.inf:
        place = f"{pointer}/clip_max_norm"
        raise InvalidDocumentError([Problem(place, "write a number above 0, or null")])
    return context


def _mistakes(read: TraceDocument, pointer: str) -> Iterator[Problem]:
    width = None if read.layers is None else len(read.layers)
    yield from mistakes_in_columns(read, width, pointer)
    for name, values in read.lag_series.items():
        place = pointer + pointer_to("lag_series", name)
        yield from _mistakes_of_length(values, len(read.lags), "lags", place)
        yield from _mistakes_of_values(values, place)


def mistakes_in_columns(
    read: Columns, width: int | None, pointer: str = ""
) -> Iterator[Problem]:
    """What is wrong with numbers by step, and by step and layer.

    Args:
        read: The parsed document.
        width: Number of layers; null: as many as the first row has.
        pointer: Where the document stands in what the caller sent.
    """
    for index, (before, after) in enumerate(pairwise(read.steps), 1):
        if after <= before:
            place = f"{pointer}/steps/{index}"
            yield Problem(place, f"write steps in ascending order: {after} is too low")
            break
    for name, values in read.series.items():
        place = pointer + pointer_to("series", name)
        yield from _mistakes_of_length(values, len(read.steps), "steps", place)
        yield from _mistakes_of_values(values, place)
    for name, rows in read.layer_series.items():
        place = pointer + pointer_to("layer_series", name)
        yield from _mistakes_of_length(rows, len(read.steps), "steps", place)
        yield from _mistakes_of_rows(rows, width, place)
        if width is None and rows and isinstance(rows[0], list):
            width = len(rows[0])


def _mistakes_of_length(
    values: Sequence[Any], length: int, of_what: str, place: str
) -> Iterator[Problem]:
    if len(values) != length:
        yield Problem(
            place,
            f"has {len(values)} values for {length} {of_what}: write null where "
            "nothing was logged",
        )


def _mistakes_of_rows(
    rows: Sequence[Any], width: int | None, place: str
) -> Iterator[Problem]:
    for index, row in enumerate(rows):
        its_place = f"{place}/{index}"
        if not isinstance(row, list):
            yield Problem(its_place, "expected a list with a number for each layer")
            continue
        width = len(row) if width is None else width
        yield from _mistakes_of_length(row, width, "layers", its_place)
        yield from _mistakes_of_values(row, its_place)


def _mistakes_of_values(values: Sequence[Any], place: str) -> Iterator[Problem]:
    # Types first: that is one pass in C, and nearly always enough.
    kinds = set(map(type, values))
    if kinds <= {float, type(None)}:
        return
    for index, value in enumerate(values):
        message = _mistake(value)
        if message:
            yield Problem(f"{place}/{index}", message)


def _mistake(value: Any) -> str | None:
    if value is None or isinstance(value, float):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return None if abs(value) <= LARGEST else "too large for a number"
    if value in NOT_FINITE:
        return None
    known = ", ".join(f'"{word}"' for word in NOT_FINITE)
    return f"expected a number, null, or one of {known}"


def decoded_columns(rows: Rows) -> dict[str, Series]:
    """Nested lists that were checked, as arrays."""
    return {name: _numbers(values) for name, values in rows.items()}


def _numbers(values: list[Any]) -> Series:
    numbers = np.array(values, np.float64)
    if not np.isnan(numbers).any():
        return np.ma.masked_array(numbers)
    # Which of them is null, and which "NaN", takes ten times as long to find out.
    return decode_values(values)
