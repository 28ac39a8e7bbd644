"""MMEngine and MMCV: the text log, and the lines of JSON beside it."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile
from ..lines import json_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# `Epoch(train) [1][ 50/196]`, `Iter(val) [10/10]`, and MMCV's `Epoch [1][50/7330]`.
_LINE = re.compile(
    r"\b(?:Epoch|Iter)(?:\((?P<mode>\w+)\))?\s*\[\s*(?P<first>\d+)(?:/\s*\d+)?\]"
    r"(?:\[\s*(?P<inner>\d+)(?:/\s*(?P<length>\d+))?\])?(?P<pairs>.*)"
)
_CLOCK = "data_time"
_PLACE = frozenset({"step", "iter", "epoch", "mode"})


class MMEngine(TableFormat):
    """`Epoch(train) [1][50/196] lr: ... loss: ... grad_norm: ...`, scalars.json.

    Validation counts otherwise than training: it is put at the last training step.
    """

    name: ClassVar[str] = "mmengine"
    title: ClassVar[str] = "MMEngine and MMCV logs, text and JSON"
    hides: ClassVar[tuple[str, ...]] = (
        "single losses and gradient norms: each is a mean over the last iterations",
        "gradient norms after clipping, and all of them where nothing is clipped",
    )

    def recognise(self, sample: Sample) -> Certainty:
        if any(_CLOCK in row and _PLACE & row.keys() for row in sample.rows):
            return Certainty.CERTAIN
        lines = _LINE.finditer(sample.text)
        is_own = any(f"{_CLOCK}: " in line["pairs"] for line in lines)
        return Certainty.CERTAIN if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        tables.context = {"clip_measured": "pre"}
        table = tables.run(file.name)
        rows = _of_json(file) if Sample.of(file).rows else _of_text(file)
        for place, row in rows:
            table.add_row(row, place)


class _Counter:
    """Counts iterations over all epochs, where each epoch has a count of its own."""

    def __init__(self) -> None:
        self.step = 0
        self._iteration = 0
        self._begin = 0
        self._begins: dict[int, int] = {}

    def count(self, epoch: int, iteration: int) -> int:
        """The step of an epoch's iteration.

        An epoch's length is not told: it begins after the last iteration that the one
        before logged.
        """
        if epoch not in self._begins:
            begins_again = self._begins and iteration <= self._iteration
            self._begins[epoch] = self.step if begins_again else self._begin
        self._begin, self._iteration = self._begins[epoch], iteration
        self.step = self._begin + iteration
        return self.step


def _of_text(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    step = 0
    for number, line in file.lines():
        found = _LINE.search(line)
        if not found:
            continue
        pairs = dict(_pairs(found["pairs"]))
        if found["mode"] in (None, "train"):
            step = _step(found)
        else:
            pairs = _of_validation(pairs)
        yield f"line {number}", {"step": step, **pairs}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    words = text.replace(",", " ").split()
    for name, value in pairwise(words):
        if name.endswith(":"):
            yield name[:-1], value


def _step(line: re.Match[str]) -> int:
    first = int(line["first"])
    if line["inner"] is None:
        return first
    return max(first - 1, 0) * int(line["length"] or 0) + int(line["inner"])


def _of_json(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    counter, step = _Counter(), 0
    for place, row in json_rows(file):
        pairs = {name: value for name, value in row.items() if name not in _PLACE}
        numbers = [row.get(name) for name in ("step", "epoch", "iter")]
        at, epoch, iteration = (n if isinstance(n, int) else None for n in numbers)
        if iteration is None or row.get("mode", "train") != "train":
            pairs = _of_validation(pairs)
        elif at is None:
            step = counter.count(epoch or 0, iteration)
        else:
            step = at
        yield place, {"step": step, **pairs}


def _of_validation(pairs: dict[str, Any]) -> dict[str, Any]:
    return {f"val/{name}": value for name, value in pairs.items()}
