"""The order of layers: as given, from their names, from the file, or unknown."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Source: TypeAlias = Literal["given", "name", "file", "unknown"]
# A family of names that differ in one number tells depth from three members.
MIN_FAMILY = 3
_PIECES = re.compile(r"\d+|\D+")
_NUMBER = re.compile(r"\d+")
# Where the file's order says nothing: what stands before and after all blocks.
_FIRST = re.compile(r"embed|\bwte\b|\bwpe\b|stem|patch|input", re.IGNORECASE)
_LAST = re.compile(r"head|classifier|logits|output|final", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LayerOrder:
    """Names by depth.

    Attributes:
        source: Where that is known from.
    """

    names: tuple[str, ...]
    source: Source


def order_layers(names: Sequence[str], *, keeps_order: bool) -> LayerOrder:
    """The layers from the input to the output, as far as it can be told.

    Args:
        names: Distinct, as the file has them.
        keeps_order: Whether the format writes layers in the model's order.
    """
    is_sorted = list(names) == sorted(names)
    in_file = keeps_order and not (is_sorted and len(names) >= MIN_FAMILY)
    if all(name.isdigit() for name in names):
        # A list of numbers without names.
        return LayerOrder(tuple(sorted(names, key=int)), "file")
    if _largest_family(names) >= MIN_FAMILY:
        return LayerOrder(tuple(_by_number(names, in_file=in_file)), "name")
    return LayerOrder(tuple(names), "file" if in_file else "unknown")


def order_as_given(names: Sequence[str], given: Sequence[str]) -> LayerOrder:
    """The layers in a user's order; others stand behind them."""
    known = [name for name in given if name in names]
    rest = [name for name in names if name not in set(known)]
    return LayerOrder((*known, *rest), "given")


def _largest_family(names: Sequence[str]) -> int:
    families = defaultdict[str, set[str]](set)
    for name in names:
        families[_NUMBER.sub("*", name)].add(name)
    return max((len(members) for members in families.values()), default=0)


def _by_number(names: Sequence[str], *, in_file: bool) -> list[str]:
    """Sorted by their numbers; other words as they first came in the file."""
    seen: dict[tuple[str, ...], int] = {}

    def key(name: str) -> list[tuple[int, int, str]]:
        parts: list[tuple[int, int, str]] = []
        before: tuple[str, ...] = ()
        for piece in _PIECES.findall(name):
            if piece.isdigit():
                parts.append((1, int(piece[:18]), ""))
                before = (*before, "*")
                continue
            before = (*before, piece)
            rank = seen.setdefault(before, len(seen)) if in_file else _rank(piece)
            parts.append((rank, 0, "" if in_file else piece))
        return parts

    keys = {name: key(name) for name in names}
    return sorted(names, key=lambda name: keys[name])


def _rank(word: str) -> int:
    if _FIRST.search(word):
        return 0
    return 2 if _LAST.search(word) else 1
