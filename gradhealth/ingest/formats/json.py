"""One JSON document: lists by name, a list of objects, or a matrix of layers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from ...documents.base import quoted
from ..columns import Table, Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..mapping import LogMapping
from ..naming import meaning_of, plain
from ..runs import run_of
from ..sample import Sample
from .base import Certainty, TableFormat

# How deep lists may stand inside objects.
MAX_DEPTH = 4
# So few steps are never judged, and so many more layers than steps are none.
MIN_STEPS, LAYERS_PER_STEP = 10, 10
_LAYERS = ("layers", "layer_names", "parameters", "param_names")
# What a document may tell beside its lists.
_CONTEXT = {
    "trivial_loss": "trivial_loss",
    "batch_size": "batch_size",
    "clip_max_norm": "clip_max_norm",
    "max_grad_norm": "clip_max_norm",
    "grad_clip": "clip_max_norm",
    "clip_grad_norm": "clip_max_norm",
    "gradient_clip_val": "clip_max_norm",
}


class JsonDocument(TableFormat):
    """`{"losses": [...], "grad_norms": [...]}`, `[{"step": 1, "loss": 2.3}, ...]`.

    A list of lists is gradient norms, `[step][layer]`.
    """

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "JSON documents"

    def recognise(self, sample: Sample) -> Certainty:
        document = sample.document
        is_filled = isinstance(document, dict | list) and document
        return Certainty.READABLE if is_filled else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:
        document = file.json()
        rows = _rows_in(document)
        if rows is not None:
            for place, row in rows:
                tables.run(run_of(row, mapping, file)).add_row(row, place)
        elif isinstance(document, list):
            name = "grad_norm" if _is_matrix(document) else "values"
            _fill(tables.run(file.name), {name: document}, file, mapping)
        elif isinstance(document, dict):
            tables.layers = _layers(document)
            tables.context = _context(document)
            lists = dict(_lists(document, "", MAX_DEPTH))
            _fill(tables.run(file.name), lists, file, mapping)
        else:
            raise IngestError("expected an object or a list")


def _rows_in(document: Any) -> Iterator[tuple[str, dict[str, Any]]] | None:
    """Place and object of each step, where the document is, or has, a list of them."""
    if isinstance(document, dict):
        if _is_numbered(document) and all(
            isinstance(v, dict) for v in document.values()
        ):
            return ((f"/{k}", {"step": k, **row}) for k, row in document.items())
        for name, value in document.items():
            if _is_rows(value):
                return _numbered(value, f"/{name}")
        return None
    return _numbered(document, "") if _is_rows(document) else None


def _is_rows(value: Any) -> bool:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return any(meaning_of(name) for row in value[:10] for name in row)


def _numbered(rows: list[Any], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise IngestError("expected an object for each step", f"{place}/{index}")
        yield f"{place}/{index}", row


def _is_numbered(document: Mapping[str, Any]) -> bool:
    return bool(document) and all(key.isdecimal() for key in document)


def _is_matrix(value: list[Any]) -> bool:
    return bool(value) and isinstance(value[0], list)


def _lists(
    document: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, list[Any]]]:
    """Every list in a document, by its name; objects are looked into."""
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, list) and key not in _LAYERS:
            yield name, value
        elif isinstance(value, dict) and _is_numbered(value):
            # As pandas writes a column.
            yield name, [value[each] for each in sorted(value, key=int)]
        elif isinstance(value, dict) and depth:
            yield from _lists(value, f"{name}/", depth - 1)


def _fill(
    table: Table, lists: Mapping[str, list[Any]], file: LogFile, mapping: LogMapping
) -> None:
    lists = {name: _by_step(name, values, file) for name, values in lists.items()}
    length = _num_steps(lists, mapping)
    table.num_rows = length
    for name, values in lists.items():
        if len(values) > length:
            continue
        if len(values) not in (0, length) and _is_known(name, mapping):
            file.notes.append(
                f"{quoted(name)} has {len(values):,} values for {length:,} steps: they "
                "were placed evenly"
            )
        for index, value in enumerate(values):
            # At the end of the interval that it stands for.
            row = (index + 1) * length // len(values) - 1
            table.add(row, name, value, f"/{name}/{index}")


def _num_steps(lists: Mapping[str, list[Any]], mapping: LogMapping) -> int:
    known = [len(x) for name, x in lists.items() if _is_known(name, mapping)]
    return max(known or [len(x) for x in lists.values()], default=0)


def _is_known(name: str, mapping: LogMapping) -> bool:
    return bool(mapping.meaning_of(name) or meaning_of(name))


def _by_step(name: str, values: list[Any], file: LogFile) -> list[Any]:
    """A list of lists with a list for each step, also where it had one for each layer.

    That is seen only where it is beyond doubt: a run has ten steps and more, and not
    ten times as many layers as steps.
    """
    if not _is_matrix(values) or len(values) >= MIN_STEPS:
        return values
    rows = [row for row in values if isinstance(row, list)]
    longest = max(len(row) for row in rows)
    if len(rows) < len(values) or longest < LAYERS_PER_STEP * len(values):
        return values
    file.notes.append(f"{quoted(name)} has a list for each layer, not for each step")
    return [list(step) for step in zip_longest(*rows)]


def _layers(document: Mapping[str, Any]) -> Sequence[str]:
    for key in _LAYERS:
        names = document.get(key)
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return names
    return ()


def _context(document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in document.items():
        name = _CONTEXT.get(plain(key))
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if name and is_number and 0 < value < float("inf"):
            found[name] = round(value) if name == "batch_size" else value
    return found
