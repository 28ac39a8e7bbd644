"""Single layers that no gradient reaches while others have theirs."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...detectors.base import Threshold
from ...schemas.finding import Cause, Finding
from ..histories.blocks import BoolArray, IntArray
from ..histories.table import Table
from .base import LogDetector, Run, evidence, finding

CERTAINTY = 0.95
# Layers that a text names.
MAX_NAMED = 3


@dataclass(frozen=True)
class NoGradient(LogDetector):
    """A layer's norm is exactly 0 to the end while other layers have theirs.

    Frozen layers and heads that a task does not use are so by intent: it is a warning
    only where the loss stays at chance, else information. A layer without numbers was
    not measured, and none of these.
    """

    problem: ClassVar[str] = "no_gradient"
    precedence: ClassVar[int] = 7

    zeros: Threshold = Threshold(
        10,
        "norms of exactly 0 to the end",
        "a norm that underflows is 0 now and then, not ten times in a row",
    )

    def detect(self, run: Run) -> Finding | None:
        table = run.history.layer_table("grad_norm")
        if table is None:
            return None
        num_zeros, first = _zeros_to_the_end(table)
        columns = np.flatnonzero(num_zeros >= self.zeros.value)
        if not len(columns) or not _is_reached(table)[num_zeros == 0].any():
            return None
        start = int(first[columns].min())
        layers = run.paths(columns)
        names = ", ".join(layers[:MAX_NAMED])
        more = len(layers) - MAX_NAMED
        others = f" and {more} more" if more > 0 else ""
        return finding(
            problem=self.problem,
            severity="warning" if run.learning == "stuck" else "info",
            certainty=CERTAINTY,
            step=int(run.history.block_steps[start]) if start else None,
            layers=layers,
            shown_by=[evidence("zeros_to_the_end", float(num_zeros.max()), self.zeros)],
            cause=Cause(
                kind="unknown",
                layers=layers,
                text=f"The gradient of {names}{others} is exactly 0 while that of "
                "other layers is not: frozen, not used by the loss, cut off by a "
                "detach, or behind units that are all dead.",
            ),
            explanation="These layers keep the weights that they have. That harms "
            "unless it is meant.",
        )


def _zeros_to_the_end(table: Table) -> tuple[IntArray, IntArray]:
    """[L] norms of 0 after the last other one, and [L] the block they begin in."""
    blocks = table.blocks
    others: BoolArray = (blocks.count > 0) | (blocks.broken > 0)
    places = np.arange(1, len(blocks) + 1)[:, None]
    first = np.where(others, places, 0).max(axis=0)
    is_after = places > first
    zeros = np.where(is_after, blocks.zeros, 0).sum(axis=0)
    return zeros.astype(np.int64), first


def _is_reached(table: Table) -> BoolArray:
    """[L] whether the layer had a gradient at all."""
    return np.asarray(table.blocks.count.any(axis=0))
