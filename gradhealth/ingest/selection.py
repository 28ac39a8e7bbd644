"""Which columns of a run are what."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..documents.base import quoted
from .columns import Column, Table
from .exceptions import IngestError
from .mapping import LogMapping
from .naming import Ignored, Meaning, OfLayer, OfRun, meaning_of, step_rank

# Numbers of which nothing is known are kept for those who look; more are left out.
MAX_OTHERS = 50


@dataclass(frozen=True, slots=True)
class Selection:
    """Names of columns by what they mean.

    Attributes:
        series: By series.
        layers: By statistic and layer, in the order of the file.
        others: Of which nothing is known.
        notes: What was chosen among several, and left out.
    """

    series: Mapping[str, str]
    layers: Mapping[OfLayer, str]
    others: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to judge by."""
        return not self.series and not self.layers


def select(table: Table, mapping: LogMapping) -> Selection:
    """What the columns of a table are; the user's own words come first.

    Raises:
        IngestError: A column that counts holds something else than numbers.
    """
    columns = {
        name: c for name, c in table.columns.items() if len(c.values) or c.strange
    }
    meanings = {name: _meaning(name, mapping) for name in columns}
    series = _series(columns, meanings)
    layers = _layers(columns, meanings)
    others = [
        name
        for name, meaning in meanings.items()
        if (meaning is None or isinstance(meaning, OfRun))
        and name not in series.values()
        and columns[name].strange is None
        and step_rank(name) is None
    ]
    renamed = [f"{s} is {quoted(name)}" for s, name in series.items() if s != name]
    notes = [", ".join(renamed)] * bool(renamed)
    if len(others) > MAX_OTHERS:
        notes.append(f"{len(others) - MAX_OTHERS:,} unknown columns were left out")
    return Selection(series, layers, tuple(others[:MAX_OTHERS]), tuple(notes))


def _meaning(name: str, mapping: LogMapping) -> Meaning | None:
    if name in (mapping.step, mapping.run):
        return Ignored()
    return mapping.meaning_of(name) or meaning_of(name)


def _series(
    columns: Mapping[str, Column], meanings: Mapping[str, Meaning | None]
) -> dict[str, str]:
    ranked: dict[str, tuple[int, int, str]] = {}
    for place, (name, meaning) in enumerate(meanings.items()):
        if isinstance(meaning, OfRun):
            # A text is no number, but a better name is not to be passed over for it.
            entry = (meaning.rank, place, name)
            ranked[meaning.series] = min(ranked.get(meaning.series, entry), entry)
    chosen = {series: name for series, (_, _, name) in ranked.items()}
    for name in chosen.values():
        _refuse_strange(name, columns[name])
    return chosen


def _layers(
    columns: Mapping[str, Column], meanings: Mapping[str, Meaning | None]
) -> dict[OfLayer, str]:
    chosen: dict[OfLayer, str] = {}
    for name, meaning in meanings.items():
        if not isinstance(meaning, OfLayer):
            continue
        column = columns[name]
        if meaning.is_vague and not column.is_norm:
            continue
        _refuse_strange(name, column)
        # A mean can be below 0, a size cannot.
        if not (np.array(column.values) < 0).any():
            chosen.setdefault(replace(meaning, is_vague=False), name)
    return chosen


def _refuse_strange(name: str, column: Column) -> None:
    if column.strange is not None:
        place, what = column.strange
        raise IngestError(f"{place}: {quoted(name)} is {what}")
