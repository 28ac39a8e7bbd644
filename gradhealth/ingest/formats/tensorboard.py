"""TensorBoard's event files, as torch, TensorFlow and tensorboardX write them."""

from pathlib import PurePosixPath
from typing import ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from ..summaries import EventReader
from ..tfrecord import begins_with_record, records
from .base import Certainty, TableFormat

# Keras makes of a run two folders, in which the same tag means training or validation.
_TRAINING, _VALIDATION = "train", "validation"
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
        run, prefix = _run_of(file.name)
        table, reader = tables.run(run), EventReader()
        for place, record in records(file):
            try:
                for value in reader.values(record):
                    tag = prefix + value.tag
                    table.add(value.step, tag, value.number)
                    if value.is_norm:
                        column = table.column(tag)
                        column.is_norm = True
                        column.is_approximate |= value.is_approximate
            except IngestError as error:
                message = error.problems[0].message
                raise type(error)(f"the record at byte {place:,}: {message}") from error


def _run_of(name: str) -> tuple[str, str]:
    """The run of a file, and what is put before its tags.

    A run is a folder: when it is resumed, it gets one more file.
    """
    folder = PurePosixPath(name).parent
    if folder.name not in (_TRAINING, _VALIDATION):
        return (str(folder) if folder.name else name), ""
    run = str(folder.parent) if folder.parent.name else _TRAINING
    return run, f"{_VALIDATION}/" * (folder.name == _VALIDATION)
