"""What a format of logs is; one module of this folder each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar

from ...registry import subclasses_in
from ...schemas.trace import Trace
from ..assembly import Facts, trace_of
from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..limits import IngestLimits
from ..mapping import LogMapping
from ..sample import Sample


class Certainty(IntEnum):
    """How well the beginning of a file fits a format."""

    NO = 0
    READABLE = 1
    LIKELY = 2
    CERTAIN = 3


class LogFormat(ABC):
    """A way to write logs.

    Attributes:
        name: Its name in `?format=`.
        title: What people call it.
        hides: What it cannot show, as the end of "the source of this log hides ...".
    """

    name: ClassVar[str]
    title: ClassVar[str]
    hides: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def recognise(self, sample: Sample) -> Certainty:
        """Whether a file that begins so is in this format."""

    @abstractmethod
    def read(
        self, files: Sequence[LogFile], mapping: LogMapping, limits: IngestLimits
    ) -> list[Trace]:
        """One trace a run; runs in which nothing can be judged are left out.

        Args:
            files: What belongs together, at least one.
            mapping: What the user knows.
            limits: What it may take.

        Raises:
            IngestError: It cannot be read as this format.
        """


class TableFormat(LogFormat):
    """A format whose runs are tables: names, and values by row or by step.

    Attributes:
        by_row: Whether it is rows, of which one column holds the steps; else each
            value comes with its step.
        keeps_order: Whether it has layers in the order in which the model has them.
    """

    by_row: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True

    @abstractmethod
    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:
        """Puts what was logged into the tables, one a run.

        Raises:
            IngestError: It cannot be read as this format.
        """

    def read(
        self, files: Sequence[LogFile], mapping: LogMapping, limits: IngestLimits
    ) -> list[Trace]:
        tables = Tables(limits)
        for file in files:
            with _naming(file.name, files):
                self.fill(file, tables, mapping)
        mapping.check(tables.names())
        mapping = mapping.or_layers(tables.layers)
        facts = Facts(
            source_format=self.name,
            by_row=self.by_row,
            keeps_order=self.keeps_order,
            hides=self.hides,
            notes=[note for file in files for note in file.notes],
            context=tables.context,
        )
        cells = limits.cells // max(1, len(tables))
        traces = []
        for run, table in tables:
            with _naming(run, tables):
                traces.append(trace_of(run, table, facts, mapping, cells))
        return [trace for trace in traces if trace is not None]


@contextmanager
def _naming(name: str, all_of_them: Sized) -> Iterator[None]:
    """Mistakes in one of several files or runs are told with its name."""
    try:
        yield
    except IngestError as error:
        if len(all_of_them) == 1:
            raise
        raise type(error)(f"{name}: {error}") from error


def log_formats() -> dict[str, LogFormat]:
    """Every format by its name."""
    found = (kind() for kind in subclasses_in(__package__, LogFormat))
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}
