"""Batches as others send them: every mistake is named with its place."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from ..documents.strict_json import parse_object
from ..exceptions import MAX_PROBLEMS, InvalidDocumentError, Problem
from ..schemas.problems import problems_of
from ..traces import MAX_STEP, Columns, decoded_columns, mistakes_in_columns
from .batch import Batch
from .packing import PackedBatch


class BatchDocument(Columns):
    """Consecutive steps of a run.

    Attributes:
        sequence: Number of the batch in its run, ascending; a repeat changes nothing.
    """

    sequence: Annotated[int, Field(ge=0, le=MAX_STEP)]


def parse_binary_batch(body: bytes) -> PackedBatch:
    """The batch in its binary form.

    Raises:
        InvalidDocumentError: It is none.
    """
    packed = PackedBatch.from_bytes(body)
    _check_steps(packed.steps)
    return packed


def parse_json_batch(text: bytes, *, max_values: int) -> PackedBatch:
    """The batch in a JSON text.

    Args:
        text: JSON in UTF-8.
        max_values: Refuse more.

    Raises:
        InvalidDocumentError: It is none; at most 20 mistakes are listed.
    """
    document = parse_object(text, max_values=max_values)
    try:
        read = BatchDocument.model_validate(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document)) from error
    _check_steps(read.steps)
    problems = [*islice(mistakes_in_columns(read, _width(read)), MAX_PROBLEMS)]
    if problems:
        raise InvalidDocumentError(problems)
    return Batch(
        read.sequence,
        np.asarray(read.steps, np.int64),
        decoded_columns(read.series),
        decoded_columns(read.layer_series),
    ).to_packed()


def _width(read: BatchDocument) -> int | None:
    """Number of layers by the first row; null where there is none."""
    firsts = (rows[0] for rows in read.layer_series.values() if rows)
    return next((len(row) for row in firsts if isinstance(row, list)), None)


def _check_steps(steps: Sequence[int]) -> None:
    if not steps:
        raise InvalidDocumentError([Problem("/steps", "a batch has a step at least")])
