"""TensorBoard's event files, as torch, TensorFlow and tensorboardX write them."""

from typing import ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from ..summaries import EventReader
from ..tfrecord import begins_with_record, records
from .base import Certainty, TableFormat

# In the first record of every file.
_VERSION, _NEAR = b"brain.Event:", 64


class TensorBoard(TableFormat):
    """Scalars and histograms; those of gradients and weights become norms.

    A histogram that torch wrote holds its sum of squares: the norm is exact.
    """

    name: ClassVar[str] = "tensorboard"
    title: ClassVar[str] = "TensorBoard event files"
    hides: ClassVar[tuple[str, ...]] = (
        "histograms with values that are not finite: torch refuses to write them",
    )
    by_row: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        is_own = _VERSION in sample.head[:_NEAR] and begins_with_record(sample.head)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        # A run is a folder: when it is resumed, it gets one more file.
        folder = file.name.rpartition("/")[0]
        table, reader = tables.run(folder or file.name), EventReader()
        for place, record in records(file):
            try:
                for value in reader.values(record):
                    table.add(value.step, value.tag, value.number)
                    if value.is_norm:
                        column = table.column(value.tag)
                        column.is_norm = True
                        column.is_approximate |= value.is_approximate
            except IngestError as error:
                message = error.problems[0].message
                raise type(error)(f"the record at byte {place:,}: {message}") from error
