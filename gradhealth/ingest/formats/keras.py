"""Keras' CSVLogger: one row an epoch."""

from typing import ClassVar

from ..columns import Tables
from ..files import LogFile
from ..lines import csv_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

_EPOCH, _LOSS, _VALIDATION = "epoch", "loss", "val_loss"


class Keras(TableFormat):
    """`epoch,accuracy,loss,val_accuracy,val_loss`, sorted but for the epoch."""

    name: ClassVar[str] = "keras"
    title: ClassVar[str] = "Keras CSVLogger"
    hides: ClassVar[tuple[str, ...]] = (
        "gradients: nothing is known of them",
        "single losses: each is a mean over an epoch",
    )

    def recognise(self, sample: Sample) -> Certainty:
        if not {_LOSS, _VALIDATION} <= {*sample.header} or sample.header[0] != _EPOCH:
            return Certainty.NO
        names = sample.header[1:]
        # Without validation data its columns stand there too, behind the others.
        others = [name for name in names if not name.startswith("val_")]
        doubled = [*sorted(others), *(f"val_{name}" for name in sorted(others))]
        is_ordered = names in (sorted(names), doubled)
        return Certainty.LIKELY if is_ordered else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        table = tables.run(file.name)
        for place, row in csv_rows(file, Sample.of(file).delimiter):
            table.add_row(row, place)
