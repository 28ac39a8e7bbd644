"""Bounds on what a spec may ask for, held before anything is expanded or built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exceptions import InvalidDocumentError, Problem

# Keys under which a layer's children stand.
CHILD_KEYS = ("body", "post", "shortcut")


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest spec that is accepted; each number is a setting."""

    layers: int = 2_000
    nesting: int = 32
    parameters: int = 200_000_000
    sample_size: int = 2**20
    batch_activations: int = 2**28
    drawn_numbers: int = 2**27
    steps: int = 5_000
    batch_size: int = 4_096


# For specs that were checked before, and rewrites of them.
UNLIMITED = Limits(
    layers=2**62,
    parameters=2**62,
    sample_size=2**62,
    batch_activations=2**62,
    drawn_numbers=2**62,
    steps=2**62,
    batch_size=2**62,
)


def check_size(document: Mapping[str, Any], limits: Limits, pointer: str = "") -> None:
    """Refuses a spec that is too deep or expands into too many layers.

    Works on the parsed JSON before it is validated, so that a hostile document costs
    no more than a walk over the layers that are allowed.

    Raises:
        InvalidDocumentError: Too deep, too many layers, or a definition that uses
            itself.
    """
    counter = _Counter(document.get("define"), limits)
    try:
        counter.count(document.get("model"), {}, 0)
    except _TooLargeError as error:
        raise InvalidDocumentError(
            [Problem(f"{pointer}/{error.key}", str(error))]
        ) from None


class _TooLargeError(Exception):
    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class _Counter:
    """Counts layers without expanding them; what is malformed counts as one."""

    def __init__(self, define: Any, limits: Limits) -> None:
        self._define = define if isinstance(define, Mapping) else {}
        self._limits = limits
        self._visits = 0

    def count(self, entries: Any, arguments: Mapping[str, Any], depth: int) -> int:
        entries = _value(entries, arguments)
        if not isinstance(entries, list):
            return 0
        if depth > self._limits.nesting:
            raise _TooLargeError(
                "model",
                f"layers are nested more than {self._limits.nesting} deep, or a "
                "definition uses itself: flatten the network",
            )
        total = 0
        for entry in entries:
            self._visits += 1
            total += self._count_entry(entry, arguments, depth)
            self._hold(max(total, self._visits))
        return total

    def _hold(self, total: int) -> None:
        if total > self._limits.layers:
            raise _TooLargeError(
                "model",
                f"more than {self._limits.layers} layers after expansion: use fewer "
                "layers or repeats",
            )

    def _count_entry(self, entry: Any, arguments: Mapping[str, Any], depth: int) -> int:
        if not isinstance(entry, Mapping):
            return 1
        if "repeat" in entry:
            times = _value(entry["repeat"], arguments)
            body = self.count(entry.get("body"), arguments, depth + 1)
            return max(1, body) * (times if isinstance(times, int) else 1)
        if "ref" in entry:
            return self._count_ref(entry, arguments, depth)
        children: Sequence[Any] = [entry.get(key) for key in CHILD_KEYS]
        branches = _value(entry.get("branches"), arguments)
        if isinstance(branches, list):
            self._visits += len(branches)
            self._hold(self._visits)
            children = [*children, *branches]
        own = _value(entry.get("num_layers"), arguments)
        stacked = max(1, own) if isinstance(own, int) else 1
        return stacked + sum(
            self.count(child, arguments, depth + 1) for child in children
        )

    def _count_ref(
        self, entry: Mapping[str, Any], arguments: Mapping[str, Any], depth: int
    ) -> int:
        name = _value(entry["ref"], arguments)
        definition = self._define.get(name) if isinstance(name, str) else None
        if not isinstance(definition, Mapping):
            return 1
        defaults = definition.get("params")
        given = entry.get("args")
        scope = dict(defaults) if isinstance(defaults, Mapping) else {}
        if isinstance(given, Mapping):
            scope |= {key: _value(value, arguments) for key, value in given.items()}
        return self.count(definition.get("body"), scope, depth + 1)


def _value(value: Any, arguments: Mapping[str, Any]) -> Any:
    """The value a "$name" stands for, else the value itself."""
    if isinstance(value, str) and value.startswith("$"):
        return arguments.get(value[1:], value)
    return value
