"""Megatron's console: `iteration 100/ 5000 | ... | lm loss: 2.3E+00 | ... |`."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

_ITERATION = re.compile(r"\biteration\s+(?P<step>\d+)\s*/\s*\d+\s*\|(?P<pairs>.*)")
_VALIDATION = re.compile(
    r"\bvalidation (?:loss|results) at iteration\s+(?P<step>\d+)\b[^|]{0,200}\|"
    r"(?P<pairs>.*)"
)
_OWN = re.compile(r"elapsed time per iteration|learning rate|loss scale")
_VALUE = " value"


class Megatron(TableFormat):
    """Iteration lines of Megatron-LM, Megatron-DeepSpeed and GPT-NeoX.

    Everything else in the output is passed over.
    """

    name: ClassVar[str] = "megatron"
    title: ClassVar[str] = "Megatron-LM, Megatron-DeepSpeed and GPT-NeoX console"
    hides: ClassVar[tuple[str, ...]] = (
        "single losses: each is a mean over what was not skipped since the last line",
        "losses that are NaN or 0: their line leaves the loss out",
        "gradient norms after clipping, and those between two lines",
    )

    def recognise(self, sample: Sample) -> Certainty:
        lines = _ITERATION.finditer(sample.text)
        is_own = any(_OWN.search(line["pairs"]) for line in lines)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        tables.context = {"clip_measured": "pre"}
        table = tables.run(file.name)
        for number, line in file.lines():
            if found := _ITERATION.search(line):
                row = dict(_pairs(found["pairs"]))
            elif found := _VALIDATION.search(line):
                row = {
                    f"validation {name.removesuffix(_VALUE)}": value
                    for name, value in _pairs(found["pairs"])
                    if name.endswith(_VALUE)
                }
            else:
                continue
            cells: dict[str, Any] = {"iteration": int(found["step"]), **row}
            table.add_row(cells, f"line {number}")


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    # What stands behind the last bar may be cut short.
    for part in text.split("|")[:-1]:
        name, colon, value = part.partition(":")
        if colon and (words := value.split()):
            yield name.strip(), words[0]
