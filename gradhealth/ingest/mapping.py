"""A user's own words about a log's names: `step:iteration,loss:train_loss`."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..documents.base import nearest, quoted
from .exceptions import IngestError
from .naming import KNOWN_SERIES, KNOWN_STATISTICS, OfLayer, OfRun

MAX_ENTRIES = 200
RUN, STEP = "run", "step"


@dataclass(frozen=True)
class LogMapping:
    """Which name of a log is what.

    Attributes:
        names: Ours to the log's; a log's name with `*` stands for one name a layer,
            and the star is the layer's.
        layers: Paths by depth, the input first, where the log does not tell.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    layers: Sequence[str] = ()

    @property
    def step(self) -> str | None:
        """The log's name for steps."""
        return self.names.get(STEP)

    @property
    def run(self) -> str | None:
        """The log's name for runs."""
        return self.names.get(RUN)

    def meaning_of(self, name: str) -> OfRun | OfLayer | None:
        """What a log's name means by the mapping; None when it says nothing."""
        for target, source in self.names.items():
            if target in (RUN, STEP):
                continue
            if source == name and "*" not in source:
                # Before all names that are only guessed.
                return OfRun(target, -1)
            if "*" in source and (found := _glob(source).fullmatch(name)):
                return OfLayer(target, found[1])
        return None

    def or_layers(self, layers: Sequence[str]) -> "LogMapping":
        """The same, with these layers where a user gave none."""
        return self if self.layers else replace(self, layers=layers)

    def check(self, names: Collection[str]) -> None:
        """Refuses names that the log does not have.

        Raises:
            IngestError: One of them is not there; the nearest is named.
        """
        for source in self.names.values():
            pattern = _glob(source)
            if not any(pattern.fullmatch(name) for name in names):
                hint = nearest(source, [*names])
                raise IngestError(f"the log has no {quoted(source)}{hint}")


def parse_mapping(text: str, layers: str = "") -> LogMapping:
    """A mapping from its text.

    Args:
        text: `ours:theirs` with commas between; a colon in theirs belongs to it.
        layers: Paths with commas between.

    Raises:
        IngestError: It cannot be read, or names something nobody knows.
    """
    entries = [entry for entry in text.split(",") if entry.strip()]
    if len(entries) > MAX_ENTRIES:
        raise IngestError(f"more than {MAX_ENTRIES} entries in the mapping")
    names: dict[str, str] = {}
    for entry in entries:
        target, colon, source = (part.strip() for part in entry.partition(":"))
        if not colon or not source:
            message = f"the mapping {quoted(entry)} is not like loss:train_loss"
            raise IngestError(message)
        known = KNOWN_STATISTICS if "*" in source else (*KNOWN_SERIES, RUN, STEP)
        if target not in known:
            hint = nearest(target, [*known])
            raise IngestError(f"the mapping's {quoted(target)} is unknown{hint}")
        names[target] = source
    paths = [path.strip() for path in layers.split(",") if path.strip()]
    return LogMapping(names, paths)


def _glob(source: str) -> re.Pattern[str]:
    before, star, after = source.partition("*")
    middle = "(.+)" if star else "()"
    return re.compile(re.escape(before) + middle + re.escape(after))
