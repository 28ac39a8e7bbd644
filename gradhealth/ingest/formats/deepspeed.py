"""DeepSpeed's own console: `steps: 10 loss: 2.3 iter time (s): 0.1`, `step=10, ...`."""

import re
from typing import Any, ClassVar

from ..columns import Tables
from ..files import LogFile
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

_LOSS = re.compile(r"\bsteps: (?P<step>\d+) loss: (?P<loss>\S+) iter time")
_STEP = re.compile(
    r"\bstep=(?P<step>\d+), skipped=(?P<skipped>\d+), lr=\[(?P<lr>[^\],]*)"
)
_OVERFLOW = re.compile(r"OVERFLOW![^!]*Attempted loss scale: (?P<scale>[\d.e+]+)")


class DeepSpeed(TableFormat):
    """Losses of the pipeline engine, rates, skipped steps and loss scales.

    Lines of Megatron in the same output tell more; they are read in their stead.
    """

    name: ClassVar[str] = "deepspeed"
    title: ClassVar[str] = "DeepSpeed console"
    hides: ClassVar[tuple[str, ...]] = (
        "gradients: nothing is known of them, but the steps that overflowed",
        "losses, where the script's own lines have them",
        "steps between two lines",
    )

    def recognise(self, sample: Sample) -> Certainty:
        is_own = _LOSS.search(sample.text) or _STEP.search(sample.text)
        return Certainty.LIKELY if is_own else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        table, num_skipped = tables.run(file.name), 0
        # An overflow is told before the step's own line.
        pending: dict[str, Any] = {}
        for number, line in file.lines():
            if found := _OVERFLOW.search(line):
                pending["loss_scale"] = found["scale"]
                continue
            if found := _LOSS.search(line):
                row: dict[str, Any] = {"loss": found["loss"]}
            elif found := _STEP.search(line):
                # The count goes on from the beginning of the process.
                now = int(found["skipped"])
                skipped = now - num_skipped if now >= num_skipped else now
                row = {"lr": found["lr"], "skipped": skipped}
                num_skipped = now
            else:
                continue
            table.add_row(
                {"step": int(found["step"]), **row, **pending}, f"line {number}"
            )
            pending = {}
