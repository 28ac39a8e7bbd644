"""Fewer layers: as many as the gradient reaches."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ..rewriting.anatomy import trunk
from ..rewriting.blocks import blocks, is_weighted_block, keeps_shape
from ..rewriting.edits import Place, rewrite_lists
from .base import Case, Proposal, Remedy

# The end-to-end gain that the shorter network shall keep: sigmoid networks of gain
# 0.05 (3 layers) still learn with SGD, those of 0.003 (5) do not.
KEPT_GAIN = 0.05
MIN_STATIONS, MAX_STATIONS = 2, 6


class ReduceDepth(Remedy):
    """Takes out layers that keep the shape: turns of a `repeat`, or single blocks.

    Not for networks that are shallow already. It gives up capacity, so that it is
    worth it only where nothing else helps.
    """

    kind = "depth"
    treats = frozenset({"vanishing_gradient", "exploding_gradient"})
    causes = frozenset({"depth"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        num_stations = len(case.network.stations)
        if num_stations <= MAX_STATIONS:
            return
        kept = _kept_stations(case.evidence("log10_backward_gain"), num_stations)
        yield Proposal(
            title=f"Reduce {num_stations} hidden layers to {kept}",
            why=(
                "The gradient changes by a factor a layer; over "
                f"{kept} layers it keeps more than {KEPT_GAIN:g} of its size "
                "(Schoenholz 2017)."
            ),
            spec=_shortened(case, num_stations - kept),
            snippet=f"num_layers = {kept}",
        )


def _kept_stations(log10_gain: float | None, num_stations: int) -> int:
    """Layers over which the measured decay (or growth) is within `KEPT_GAIN`."""
    if not log10_gain:
        return MIN_STATIONS
    decades_per_layer = abs(log10_gain) / (num_stations - 1)
    allowed = 1 - math.log10(KEPT_GAIN) / decades_per_layer
    return int(min(max(allowed, MIN_STATIONS), MAX_STATIONS))


def _shortened(case: Case, num_excess: int) -> dict[str, Any]:
    """The spec without `num_excess` stations, as far as repeats and blocks allow."""
    paths = trunk(case.network)
    pointers = [station.pointer for station in case.network.stations]
    excess = num_excess

    def shorter(place: Place) -> Any:
        """A `repeat` with fewer turns."""
        nonlocal excess
        entry = place.entry
        turns = entry.get("repeat") if isinstance(entry, dict) else None
        inside = sum(p.startswith(f"{place.pointer}/body/") for p in pointers)
        if not isinstance(turns, int) or not inside:
            return entry
        per_turn = inside / turns
        removed = min(turns - 1, math.ceil(excess / per_turn))
        excess = max(0, excess - round(removed * per_turn))
        return entry | {"repeat": turns - removed} if removed else entry

    def edit(places: Sequence[Place]) -> list[Any]:
        nonlocal excess
        kept: list[Any] = []
        for block in blocks(places):
            single = is_weighted_block(block, paths) and len(block[0].nodes) == 1
            if excess and single and keeps_shape(block):
                excess -= 1
            else:
                kept += map(shorter, block)
        return kept

    return rewrite_lists(case.document, case.network, edit)
