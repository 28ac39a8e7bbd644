"""Weights & Biases offline: the file of a run that was not sent yet."""

from collections.abc import Iterator
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile, parse_json
from ..leveldb import log_records
from ..mapping import LogMapping
from ..protobuf import bytes_of, fields
from ..sample import Sample
from .base import Certainty, TableFormat

_MAGIC, _HEADER = b":W&B", 7


class WandbOffline(TableFormat):
    """`run-<id>.wandb` in a folder `offline-run-...`, or of a run that was sent.

    Here NaN and infinities are kept, and every step.
    """

    name: ClassVar[str] = "wandb_offline"
    title: ClassVar[str] = "W&B offline runs"
    hides: ClassVar[tuple[str, ...]] = ()
    # The client's keys are in no order.
    keeps_order: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        is_own = sample.head.startswith(_MAGIC)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        table = tables.run(file.name)
        for number, record in enumerate(log_records(file, _HEADER)):
            for field, value in fields(record):
                if field == _Record.HISTORY:
                    row = dict[str, Any]()
                    for keys, cell in _items(bytes_of(value)):
                        _put(row, keys, cell)
                    table.add_row(row, f"record {number}")


def _items(history: bytes) -> Iterator[tuple[list[str], Any]]:
    for field, item in fields(history):
        if field != _History.ITEM:
            continue
        keys, cell = list[str](), None
        for inner, value in fields(bytes_of(item)):
            if inner in (_Item.KEY, _Item.NESTED_KEY):
                keys.append(bytes_of(value).decode(errors="replace"))
            elif inner == _Item.JSON:
                cell = parse_json(bytes_of(value))
        yield keys, cell


def _put(row: dict[str, Any], keys: list[str], cell: Any) -> None:
    """Histograms come in pieces, each under its own key inside the metric's."""
    *outer, last = keys or [""]
    for key in outer:
        inside = row.setdefault(key, {})
        row = inside if isinstance(inside, dict) else {}
    row[last] = cell


# Numbers of fields in wandb/proto/wandb_internal.proto.


class _Record:
    HISTORY = 2


class _History:
    ITEM = 1


class _Item:
    KEY, NESTED_KEY, JSON = 1, 2, 16
