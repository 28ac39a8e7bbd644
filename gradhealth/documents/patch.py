"""The difference of two JSON documents as an RFC 6902 patch."""

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

from ..documents.pointers import pointer_to

Operation = dict[str, Any]

# How far ahead an inserted or removed element of a list is looked for. A patch beyond
# it is longer than it need be, never wrong.
LOOKAHEAD = 8


def diff(before: Any, after: Any) -> list[Operation]:
    """Operations that turn `before` into `after`, applied one after the other.

    Lists are aligned greedily, so that an inserted layer is one `add` and not a
    replacement of everything behind it.
    """
    return list(_diff(before, after, ()))


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal (Python takes true for 1; JSON does not)."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


Path = tuple[str | int, ...]


def _diff(before: Any, after: Any, path: Path) -> Iterator[Operation]:
    if same(before, after):
        return
    if _akin(before, after):
        yield from _diff_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _diff_lists(before, after, path)
    else:
        yield {"op": "replace", "path": pointer_to(*path), "value": after}


def _akin(before: Any, after: Any) -> bool:
    """Whether one object became the other, rather than took its place."""
    return (
        isinstance(before, dict)
        and isinstance(after, dict)
        and any(key in after and same(before[key], after[key]) for key in before)
    )


def _diff_objects(
    before: dict[str, Any], after: dict[str, Any], path: Path
) -> Iterator[Operation]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": pointer_to(*path, key)}
    for key, value in after.items():
        if key in before:
            yield from _diff(before[key], value, (*path, key))
        else:
            yield {"op": "add", "path": pointer_to(*path, key), "value": value}


def _diff_lists(before: list[Any], after: list[Any], path: Path) -> Iterator[Operation]:
    tail = _common_tail(before, after)
    before, after = before[: len(before) - tail], after[: len(after) - tail]
    old = new = 0
    while old < len(before) and new < len(after):
        # Elements in front of `new` are done, so `new` is also the index to edit at.
        if same(before[old], after[new]):
            old, new = old + 1, new + 1
            continue
        num_added, num_removed = _gap(before, old, after, new)
        yield from (_add(path, i, after[i]) for i in range(new, new + num_added))
        new += num_added
        yield from [_remove(path, new)] * num_removed
        old += num_removed
        if not num_added and not num_removed:
            yield from _diff(before[old], after[new], (*path, new))
            old, new = old + 1, new + 1
    yield from [_remove(path, new)] * (len(before) - old)
    yield from (_add(path, i, after[i]) for i in range(new, len(after)))


def _common_tail(before: list[Any], after: list[Any]) -> int:
    """How many elements at the end are the same."""
    pairs = zip(reversed(before), reversed(after), strict=False)
    return sum(1 for _ in takewhile(lambda pair: same(*pair), pairs))


def _gap(before: list[Any], old: int, after: list[Any], new: int) -> tuple[int, int]:
    """How many elements were added here, or removed; neither when one was changed."""
    for alike in (same, _akin):
        if alike is _akin and _akin(before[old], after[new]):
            break
        if num_added := _distance(before[old], after, new, alike):
            return num_added, 0
        if num_removed := _distance(after[new], before, old, alike):
            return 0, num_removed
    return 0, 0


def _distance(
    element: Any, elements: list[Any], start: int, alike: Callable[[Any, Any], bool]
) -> int:
    """How far behind `start` the element comes again; 0 when it does not."""
    window = elements[start + 1 : start + 1 + LOOKAHEAD]
    return next((i for i, other in enumerate(window, 1) if alike(element, other)), 0)


def _add(path: Path, index: int, value: Any) -> Operation:
    return {"op": "add", "path": pointer_to(*path, index), "value": value}


def _remove(path: Path, index: int) -> Operation:
    return {"op": "remove", "path": pointer_to(*path, index)}
