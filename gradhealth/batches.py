"""Batches of a run's statistics, as the recorder writes and the service reads them.

The binary form is a little-endian u32, the length of a JSON header, the header, and
after it the values of every column as raw little-endian float32. A column holds only
the rows and layers in which something was measured.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, ValidationError
from pydantic_core import to_json

from .document import Document
from .exceptions import InvalidDocumentError, Problem
from .schemas.trace import IntArray, Series

CONTENT_TYPE = "application/octet-stream"
# A quiet NaN that says "nothing was measured here"; a measured NaN has other bits.
MISSING_BITS = 0x7FC0_6772
SIGNIFICANT_DIGITS = 6
# Unpacked, with gaps: 128 MiB in float64.
MAX_CELLS = 2**24

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive steps of one run.

    Attributes:
        sequence: Number of the batch in its run, from 0; a repeat is the same batch.
        steps: [T] step numbers, ascending.
        series: Name to [T]; masked where nothing was measured.
        layer_series: Name to [T, L], in the order of the run's layers.
    """

    sequence: int
    steps: IntArray
    series: Mapping[str, Series]
    layer_series: Mapping[str, Series]

    def to_json(self) -> bytes:
        """One line of a trace file: null where masked, strings where not finite."""
        document = {
            "sequence": self.sequence,
            "steps": self.steps.tolist(),
            "series": {name: _rounded(x) for name, x in self.series.items()},
            "layer_series": {
                name: _rounded(x) for name, x in self.layer_series.items()
            },
        }
        return to_json(document, inf_nan_mode="strings")

    def to_binary(self) -> bytes:
        """The form with a header and raw float32."""
        columns = [
            _pack(name, kind, values)
            for kind, group in (
                ("series", self.series),
                ("layer_series", self.layer_series),
            )
            for name, values in group.items()
        ]
        header = {
            "sequence": self.sequence,
            "steps": self.steps.tolist(),
            "num_layers": self._num_layers,
            "columns": [column for column, _ in columns],
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        values = b"".join(packed.astype("<f4").tobytes() for _, packed in columns)
        return struct.pack("<I", len(text)) + text + values

    @property
    def _num_layers(self) -> int:
        return next((x.shape[1] for x in self.layer_series.values()), 0)

    @classmethod
    def from_binary(cls, body: bytes) -> "Batch":
        """The inverse of `to_binary`, for bytes from anywhere.

        Raises:
            InvalidDocumentError: Not such a batch, cut short, or too large.
        """
        header, values = _split(body)
        shapes = [_packed_shape(column, header) for column in header.columns]
        sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
        if sum(sizes) != len(values):
            message = f"the columns need {sum(sizes):,} values, {len(values):,} came"
            raise _invalid("/columns", message)
        groups: dict[str, dict[str, Series]] = {"series": {}, "layer_series": {}}
        parts = np.split(values, np.cumsum(sizes)[:-1]) if sizes else []
        for column, shape, part in zip(header.columns, shapes, parts, strict=True):
            table = _unpack(column, header, part.reshape(shape))
            groups[column.kind][column.name] = table
        return cls(header.sequence, np.array(header.steps, np.int64), **groups)


Indices = Annotated[list[NonNegativeInt], Field(max_length=2**20)]


class Column(Document):
    """Where a column's values belong; null: in every row, in every layer."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Literal["series", "layer_series"]
    rows: Indices | None = None
    layers: Indices | None = None


class Header(Document):
    """What stands before the values."""

    sequence: NonNegativeInt
    steps: Indices
    num_layers: NonNegativeInt
    columns: Annotated[list[Column], Field(max_length=1000)]


def _rounded(values: Series) -> Any:
    """Nested lists of 6 significant digits, which is all that float32 has."""
    numbers = np.asarray(values.data, np.float64)
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(numbers)))
        # Beyond 1e290 the scale itself would overflow.
        exponent = np.where(np.abs(exponent) < 290, exponent, 0)  # noqa: PLR2004
        scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - exponent)
        rounded = np.where(numbers == 0, 0.0, np.round(numbers * scale) / scale)
    return np.ma.masked_array(rounded, values.mask).tolist()


def _pack(name: str, kind: str, values: Series) -> tuple[dict[str, Any], Floats]:
    """The column's description, and its values without empty rows and layers."""
    known = ~np.ma.getmaskarray(values)
    with np.errstate(over="ignore"):
        packed = np.asarray(values.data, np.float32)
    packed = np.where(known, packed, np.uint32(MISSING_BITS).view(np.float32))
    column: dict[str, Any] = {"name": name, "kind": kind}
    rows = known if known.ndim == 1 else known.any(axis=1)
    if not rows.all():
        column["rows"] = np.flatnonzero(rows).tolist()
        packed = packed[rows]
    if known.ndim > 1 and not (layers := known.any(axis=0)).all():
        column["layers"] = np.flatnonzero(layers).tolist()
        packed = packed[:, layers]
    return column, packed


def _split(body: bytes) -> tuple[Header, Floats]:
    (length,) = struct.unpack_from("<I", body) if len(body) >= 4 else (0,)  # noqa: PLR2004
    end = 4 + length
    if not 0 < length <= len(body) - 4 or (len(body) - end) % 4:
        message = "expected a u32 header length, a JSON header and float32 values"
        raise _invalid("", message)
    try:
        header = Header.model_validate_json(body[4:end])
    except ValidationError as error:
        first = error.errors()[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise _invalid(pointer, first["msg"]) from error
    width = max(1, header.num_layers)
    if len(header.steps) * width * max(1, len(header.columns)) > MAX_CELLS:
        raise _invalid("", f"more than {MAX_CELLS:,} cells: send fewer steps at once")
    if any(b <= a for a, b in zip(header.steps, header.steps[1:], strict=False)):
        raise _invalid("/steps", "write the steps in ascending order, each once")
    return header, np.frombuffer(body, "<f4", offset=end)


def _packed_shape(column: Column, header: Header) -> tuple[int, ...]:
    rows = _count(column.rows, len(header.steps), f"rows of {column.name}")
    if column.kind == "series":
        return (rows,)
    return rows, _count(column.layers, header.num_layers, f"layers of {column.name}")


def _count(indices: list[int] | None, limit: int, what: str) -> int:
    if indices is None:
        return limit
    if len(set(indices)) < len(indices) or max(indices, default=0) >= max(limit, 1):
        raise _invalid("/columns", f"the {what} are not distinct indices below {limit}")
    return len(indices)


def _unpack(column: Column, header: Header, values: Floats) -> Series:
    missing = values.view(np.uint32) == MISSING_BITS
    rows = slice(None) if column.rows is None else np.array(column.rows, np.int64)
    shape: tuple[int, ...] = (len(header.steps),)
    where: Any = rows
    if column.kind == "layer_series":
        shape = (*shape, header.num_layers)
        layers = np.arange(shape[1]) if column.layers is None else column.layers
        chosen = np.arange(shape[0])[rows]
        where = np.ix_(chosen, np.array(layers, np.int64))
    numbers, mask = np.zeros(shape), np.ones(shape, bool)
    numbers[where] = np.where(missing, 0.0, values)
    mask[where] = missing
    return np.ma.masked_array(numbers, mask)


def _invalid(pointer: str, message: str) -> InvalidDocumentError:
    return InvalidDocumentError([Problem(pointer, message)])
