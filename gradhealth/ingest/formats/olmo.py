"""OLMo's console: `[step=10/5000,epoch=1]`, then a line for each metric."""

import re
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

_STEP = re.compile(r"\[step=(?P<step>\d+)\b[^\[\]]*\](?:\x1b\[0?m)?\s*$")
_NUMBER = re.compile(r"[-+]?(?:[\d.,]+(?:e[-+]?\d+)?|nan|inf)")
_OWN = re.compile(
    r"\[step=\d+\b[^\[\]\n]*\](?:\x1b\[0?m)?\s*\n\s+(?:train|optim|throughput|System)/[^=\n]+="
)


class Olmo(TableFormat):
    """Steps in brackets, below them `train/CrossEntropyLoss=2.3`.

    The norms of its layers, `grad/<parameter>.norm`, go to W&B alone, and are read
    from there.
    """

    name: ClassVar[str] = "olmo"
    title: ClassVar[str] = "OLMo and OLMo-core console"
    hides: ClassVar[tuple[str, ...]] = (
        "norms of layers, which only its W&B history has",
        "gradient norms after clipping, and those between entries",
    )

    def recognise(self, sample: Sample) -> Certainty:
        return Certainty.CERTAIN if _OWN.search(sample.text) else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        tables.context = {"clip_measured": "pre"}
        table = tables.run(file.name)
        row: dict[str, Any] = {}
        place = ""
        for number, line in file.lines():
            if found := _STEP.search(line):
                if row:
                    table.add_row(row, place)
                row, place = {"step": int(found["step"])}, f"line {number}"
            elif row and line[0].isspace():
                name, _, value = line.strip().partition("=")
                if _NUMBER.fullmatch(value):
                    row[name] = value.replace(",", "")
        if row:
            table.add_row(row, place)
