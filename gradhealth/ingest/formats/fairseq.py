"""fairseq's console: `train_inner | {"loss": ...}`, `epoch 001: 50 / 1891 loss=`."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile, parse_json
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# What stands before the numbers. The first match decides, whatever follows: lines may
# be megabytes of nearly right words.
_JSON = re.compile(r"\|\s*(?P<what>train_inner|valid)\s*\|\s*(?=\{)")
_SIMPLE = re.compile(r"\|\s*epoch\s+\d+:?\s+\d+ / \d+\s")
_VALID = re.compile(r"\|\s*valid on '[^']*' subset\s*\|")
_PAIR = re.compile(r"\b(\w+)=([^\s,]+)")
_UPDATES, _CLIP, _NORM = "num_updates", "clip", "gnorm"


class Fairseq(TableFormat):
    """What fairseq and metaseq print at each --log-interval.

    Its losses are in bits, and `clip` is the share of the updates that were clipped.
    """

    name: ClassVar[str] = "fairseq"
    title: ClassVar[str] = "fairseq and metaseq console"
    hides: ClassVar[tuple[str, ...]] = (
        "single losses and gradient norms: each is a mean since the last line",
        "gradient norms after clipping",
    )

    def recognise(self, sample: Sample) -> Certainty:
        # The first of them stands behind the whole model, as it prints itself.
        lines = (line for line in sample.text.splitlines() if _NORM in line)
        is_own = any(_row(line) is not None for line in lines)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        tables.context = {"clip_measured": "pre"}
        table = tables.run(file.name)
        for number, line in file.lines():
            row = _row(line)
            if row is not None:
                table.add_row(row, f"line {number}")


def _row(line: str) -> dict[str, Any] | None:
    """The numbers of a line; None where it is none of a training."""
    if found := _JSON.search(line):
        row = _object(line[found.end() :])
        if row is None or found["what"] == "train_inner":
            return row and _training(row)
        return _validation(row)
    if found := _VALID.search(line):
        return _validation(dict(_named(line[found.end() :])))
    if found := _SIMPLE.search(line):
        return _training(dict(_PAIR.findall(line, found.end())))
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        row = parse_json(text)
    except IngestError:
        # Other processes print between.
        return None
    return row if isinstance(row, dict) else None


def _training(row: dict[str, Any]) -> dict[str, Any]:
    clip = str(row.pop(_CLIP, "")).rstrip("%")
    try:
        return row | {"clipped": float(clip) / 100}
    except ValueError:
        return row


def _validation(row: dict[str, Any]) -> dict[str, Any]:
    """Under names that say so, but for the step."""
    named = {f"valid_{name.removeprefix('valid_')}": x for name, x in row.items()}
    step = named.pop(f"valid_{_UPDATES}", None)
    return named if step is None else named | {_UPDATES: step}


def _named(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split("|"):
        name, _, value = part.strip().partition(" ")
        if value:
            yield name, value
