"""The binary form of a batch: packed columns of float32 behind a JSON header.

It is a little-endian u32, the length of the header, the header, and after it the values
of every column as raw little-endian float32. A column holds only the rows and layers
in which something was measured.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, ValidationError

from ..documents.base import Document
from ..exceptions import InvalidDocumentError, Problem
from ..schemas.trace import Series
from ..traces import MAX_STEP, Name

CONTENT_TYPE = "application/octet-stream"
# A quiet NaN that says "nothing was measured here"; a measured NaN has other bits.
MISSING_BITS = 0x7FC0_6772
# Unpacked, with gaps: 128 MiB in float64.
MAX_CELLS = 2**24

Floats = NDArray[np.float32]
Indices = Annotated[list[NonNegativeInt], Field(max_length=2**20)]
Kind = Literal["series", "layer_series"]


class Column(Document):
    """Where a column's values belong; null: in every row, in every layer."""

    name: Name
    kind: Kind
    rows: Indices | None = None
    layers: Indices | None = None

    @classmethod
    def packed(cls, name: str, kind: Kind, values: Series) -> tuple["Column", Floats]:
        """The column of a series, and its values without empty rows and layers."""
        known = ~np.ma.getmaskarray(values)
        packed: Floats = np.where(
            known, _narrowed(values.data), np.uint32(MISSING_BITS).view(np.float32)
        )
        rows = known if known.ndim == 1 else known.any(axis=1)
        places: dict[str, Any] = {}
        if not rows.all():
            places["rows"] = np.flatnonzero(rows).tolist()
            packed = packed[rows]
        if known.ndim > 1 and not (layers := known.any(axis=0)).all():
            places["layers"] = np.flatnonzero(layers).tolist()
            packed = packed[:, layers]
        return cls.model_construct(name=name, kind=kind, **places), packed


class Header(Document):
    """What stands before the values."""

    sequence: Annotated[int, Field(ge=0, le=MAX_STEP)]
    steps: Annotated[
        list[Annotated[int, Field(ge=0, le=MAX_STEP)]], Field(max_length=2**20)
    ]
    num_layers: NonNegativeInt
    columns: Annotated[list[Column], Field(max_length=1000)]


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch in its binary form, taken apart but not unpacked.

    Attributes:
        num_layers: Of the run; 0 where no column is by layer.
        columns: Each with its values, [rows] or [rows, layers].
    """

    sequence: int
    steps: Sequence[int]
    num_layers: int
    columns: Sequence[tuple[Column, Floats]]

    def to_bytes(self) -> bytes:
        """The form that travels."""
        header = {
            "sequence": self.sequence,
            "steps": self.steps,
            "num_layers": self.num_layers,
            "columns": [
                column.model_dump(exclude_none=True) for column, _ in self.columns
            ],
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        values = b"".join(x.astype("<f4").tobytes() for _, x in self.columns)
        return struct.pack("<I", len(text)) + text + values

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """The inverse of `to_bytes`, for bytes from anywhere.

        Raises:
            InvalidDocumentError: Not such a batch, cut short, or too large.
        """
        header, values = _split(body)
        shapes = [_packed_shape(column, header) for column in header.columns]
        sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
        if sum(sizes) != len(values):
            message = f"the columns need {sum(sizes):,} values, {len(values):,} came"
            raise _invalid("/columns", message)
        ends = np.cumsum(sizes)[:-1]
        parts = np.split(values, ends) if sizes else []
        columns = [
            (column, part.reshape(shape))
            for column, shape, part in zip(header.columns, shapes, parts, strict=True)
        ]
        return cls(header.sequence, header.steps, header.num_layers, columns)

    def unpacked(self) -> Iterator[tuple[Column, Series]]:
        """Every column as [T] or [T, L], masked where nothing was measured."""
        for column, values in self.columns:
            yield column, self._unpack(column, values)

    def _unpack(self, column: Column, values: Floats) -> Series:
        missing = values.view(np.uint32) == MISSING_BITS
        rows = slice(None) if column.rows is None else np.array(column.rows, np.int64)
        shape: tuple[int, ...] = (len(self.steps),)
        where: Any = rows
        if column.kind == "layer_series":
            shape = (*shape, self.num_layers)
            layers = np.arange(shape[1]) if column.layers is None else column.layers
            chosen = np.arange(shape[0])[rows]
            where = np.ix_(chosen, np.array(layers, np.int64))
        numbers, mask = np.zeros(shape), np.ones(shape, bool)
        numbers[where] = np.where(missing, 0.0, values)
        mask[where] = missing
        return np.ma.masked_array(numbers, mask)


def without_layers(body: bytes) -> bytes:
    """A batch in its binary form, without what belongs to single layers.

    Raises:
        InvalidDocumentError: Not such a batch.
    """
    batch = PackedBatch.from_bytes(body)
    columns = [entry for entry in batch.columns if entry[0].kind == "series"]
    return PackedBatch(batch.sequence, batch.steps, 0, columns).to_bytes()


def _narrowed(values: NDArray[np.float64]) -> Floats:
    """As float32; what is finite stays so."""
    # What lies below a mask may be anything, a signalling NaN too.
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = np.asarray(values, np.float32)
    is_infinite = np.isinf(narrow)
    if is_infinite.any():
        largest = np.copysign(np.finfo(np.float32).max, narrow)
        narrow = np.where(is_infinite & np.isfinite(values), largest, narrow)
    return narrow


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
    if any(after <= before for before, after in pairwise(header.steps)):
        raise _invalid("/steps", "write the steps in ascending order, each once")
    _check_names(header)
    return header, np.frombuffer(body, "<f4", offset=end)


def _check_names(header: Header) -> None:
    names = {(column.kind, column.name) for column in header.columns}
    if len(names) < len(header.columns):
        raise _invalid("/columns", "two columns of one kind have the same name")
    if any("\0" in name for _, name in names):
        raise _invalid("/columns", "remove the NUL character from the names")


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


def _invalid(pointer: str, message: str) -> InvalidDocumentError:
    return InvalidDocumentError([Problem(pointer, message)])
