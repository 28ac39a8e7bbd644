"""Lightning's CSVLogger: `metrics.csv`, one row for each call that logged something."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile
from ..lines import csv_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# Every row has these; what was logged by step and by epoch has two columns more.
_ALWAYS = frozenset({"step", "epoch"})
_FILE = "metrics.csv"
_OWN = re.compile(r"grad_\d+(?:\.\d+)?_norm[/_].+|.+_(?:step|epoch)")
_OF_LAYER = re.compile(r"(?P<name>grad_\d+(?:\.\d+)?_norm[/_].+)_(?P<how>step|epoch)")


class Lightning(TableFormat):
    """Sparse rows with `step` and `epoch`; `grad_norm()` adds a column a parameter."""

    name: ClassVar[str] = "lightning"
    title: ClassVar[str] = "Lightning metrics.csv"
    hides: ClassVar[tuple[str, ...]] = (
        "steps between entries: by default each 50th is logged",
        "single losses where only means over epochs were logged",
        "gradient norms after clipping",
    )
    # The columns are sorted by name, or in no order in old files.
    keeps_order: ClassVar[bool] = False

    def recognise(self, sample: Sample) -> Certainty:
        if not {*sample.header} >= _ALWAYS:
            return Certainty.NO
        if any(map(_OWN.fullmatch, sample.header)):
            return Certainty.CERTAIN
        is_sparse = any("" in row for row in sample.table[1:])
        is_named = sample.name.endswith(_FILE)
        return Certainty.LIKELY if is_sparse or is_named else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        sample = Sample.of(file)
        # Lightning takes them before it clips.
        tables.context = {"clip_measured": "pre"}
        table, names = tables.run(file.name), _names(sample.header)
        for place, row in csv_rows(file, sample.delimiter):
            named: dict[str, Any] = {
                names[name]: cell for name, cell in row.items() if name in names
            }
            table.add_row(named, place)


def _names(header: list[str]) -> Mapping[str, str]:
    """What columns are called; layers' without `_step`, and then without `_epoch`."""
    names = dict(zip(header, header, strict=True))
    found = [match for name in header if (match := _OF_LAYER.fullmatch(name))]
    by_step = {match["name"] for match in found if match["how"] == "step"}
    for match in found:
        names[match[0]] = match["name"]
        if match["how"] == "epoch" and match["name"] in by_step:
            del names[match[0]]
    return names
