"""Labels inside a chart, where they hide the least."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

Place: TypeAlias = tuple[float, float]

# About the size of a label, and its distance to the line and to the edge.
WIDTH, HEIGHT, GAP = 130, 14, 5


@dataclass(frozen=True, slots=True)
class Label:
    """Where a text begins or ends; `anchor` is SVG's."""

    x: float
    y: float
    anchor: str

    def covers(self, place: Place) -> bool:
        """Whether the text lies over a place."""
        left = self.x - (WIDTH if self.anchor == "end" else 0)
        x, y = place
        return left <= x <= left + WIDTH and -HEIGHT <= y - self.y <= GAP


def clearest_place(
    level: float, *, between: tuple[Place, Place], avoiding: Sequence[Place]
) -> Label:
    """Above or below a horizontal line, at its right or left end.

    Args:
        level: The line's y.
        between: The chart's left and right, and its top and bottom.
        avoiding: What should not be hidden.
    """
    (left, right), (top, bottom) = between
    heights = (level - GAP, level + HEIGHT - 1)
    ends = ((right - GAP, "end"), (left + GAP, "start"))
    places = [Label(x, y, anchor) for y, (x, anchor) in product(heights, ends)]
    inside = [place for place in places if top + HEIGHT / 2 < place.y < bottom - 1]
    return min(inside, key=lambda label: sum(map(label.covers, avoiding)))


def between(start: Place, end: Place) -> Iterator[Place]:
    """Places along a line, its ends among them, no farther apart than a label."""
    (x, y), (to_x, to_y) = start, end
    num_parts = max(1, round((to_x - x) / HEIGHT))
    for part in range(num_parts + 1):
        share = part / num_parts
        yield x + share * (to_x - x), y + share * (to_y - y)
