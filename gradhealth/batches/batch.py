"""Batches of a run's statistics, as the recorder writes and the service reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import to_json

from ..schemas.trace import IntArray, Series
from .packing import Column, PackedBatch

SIGNIFICANT_DIGITS = 6


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

    def to_packed(self) -> PackedBatch:
        """Without empty rows and layers."""
        columns = [
            *(Column.packed(name, "series", x) for name, x in self.series.items()),
            *(
                Column.packed(name, "layer_series", x)
                for name, x in self.layer_series.items()
            ),
        ]
        num_layers = next((x.shape[1] for x in self.layer_series.values()), 0)
        return PackedBatch(self.sequence, self.steps.tolist(), num_layers, columns)

    def to_binary(self) -> bytes:
        """The form with a header and raw float32."""
        return self.to_packed().to_bytes()

    @classmethod
    def from_packed(cls, packed: PackedBatch) -> "Batch":
        """The inverse of `to_packed`."""
        groups: dict[str, dict[str, Series]] = {"series": {}, "layer_series": {}}
        for column, values in packed.unpacked():
            groups[column.kind][column.name] = values
        return cls(packed.sequence, np.array(packed.steps, np.int64), **groups)

    @classmethod
    def from_binary(cls, body: bytes) -> "Batch":
        """The inverse of `to_binary`, for bytes from anywhere.

        Raises:
            InvalidDocumentError: Not such a batch, cut short, or too large.
        """
        return cls.from_packed(PackedBatch.from_bytes(body))


def merged(batches: Sequence[Batch]) -> Batch:
    """Batches of ascending steps as one; masked where a batch lacks a series."""
    if not batches:
        return Batch(0, np.zeros(0, np.int64), {}, {})
    return Batch(
        batches[0].sequence,
        np.concatenate([batch.steps for batch in batches]),
        _joined([batch.steps for batch in batches], [b.series for b in batches]),
        _joined([batch.steps for batch in batches], [b.layer_series for b in batches]),
    )


def _joined(
    steps: Sequence[IntArray], groups: Sequence[Mapping[str, Series]]
) -> dict[str, Series]:
    shapes = {name: x.shape[1:] for group in groups for name, x in group.items()}
    return {
        name: _concatenated(
            [
                group[name] if name in group else _nothing(len(its_steps), *shape)
                for its_steps, group in zip(steps, groups, strict=True)
            ]
        )
        for name, shape in shapes.items()
    }


def _concatenated(parts: Sequence[Series]) -> Series:
    return np.ma.masked_array(
        np.concatenate([part.data for part in parts]),
        np.concatenate([np.ma.getmaskarray(part) for part in parts]),
    )


def _nothing(*shape: int) -> Series:
    return np.ma.masked_array(np.zeros(shape), np.ones(shape, bool))


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
