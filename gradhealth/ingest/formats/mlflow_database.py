"""MLflow's database: what it writes by default, `mlflow.db`."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from tempfile import NamedTemporaryFile
from typing import ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

_MAGIC = b"SQLite format 3\0"
_IS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'metrics'"
# In the order in which it was logged.
_METRICS = "SELECT run_uuid, key, step, value, is_nan FROM metrics NOT INDEXED"
# Where the header says how it is written and read: by a rollback journal, or a log.
_VERSIONS_AT = 18
# MLflow writes these for what is infinite.
_LARGEST = sys.float_info.max
_INFINITIES = {_LARGEST: float("inf"), -_LARGEST: float("-inf")}


class MLflowDatabase(TableFormat):
    """The metrics of all runs in an SQLite database; a run is called by its id."""

    name: ClassVar[str] = "mlflow_database"
    title: ClassVar[str] = "MLflow databases (SQLite)"
    hides: ClassVar[tuple[str, ...]] = (
        "steps, where autologging wrote means over epochs",
    )
    by_row: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        is_own = sample.head.startswith(_MAGIC)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        try:
            with _opened(file) as database:
                if not database.execute(_IS_TABLE).fetchone():
                    raise IngestError("a database without MLflow's table of metrics")
                for run, key, step, value, is_nan in database.execute(_METRICS):
                    number = float("nan") if is_nan else _INFINITIES.get(value, value)
                    tables.run(str(run)).add(_step(step), str(key), number, str(run))
        except (sqlite3.Error, UnicodeError) as error:
            raise IngestError(f"a database that cannot be read: {error}") from error


def _step(step: object) -> int:
    if not isinstance(step, int) or not 0 <= step <= 2**53:
        raise IngestError(f"the step {step} is no whole number from 0")
    return step


@contextmanager
def _opened(file: LogFile) -> Iterator[sqlite3.Connection]:
    """The database, read-only, and as of one whose author is not trusted.

    Source: sqlite.org/security.html, "Untrusted SQLite Database Files".
    """
    with _connected(file) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, file.limits.line_bytes)
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cell_size_check = ON")
        database.execute("PRAGMA mmap_size = 0")
        yield database


@contextmanager
def _connected(file: LogFile) -> Iterator[sqlite3.Connection]:
    content = file.short_content()
    if content is not None:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(_without_log(content))
            yield database
        return
    with NamedTemporaryFile(suffix=".db") as copy:
        shutil.copyfileobj(file.stream_of_bytes(), copy)
        copy.flush()
        address = f"file:{copy.name}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as database:
            yield database


def _without_log(content: bytes) -> bytes:
    """The same with a rollback journal: in memory there is no write-ahead log.

    Source: sqlite.org/c3ref/deserialize.html.
    """
    return content[:_VERSIONS_AT] + b"\1\1" + content[_VERSIONS_AT + 2 :]
