"""How something that is followed looks at a moment: an analysis, or a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gradhealth.schemas.event import Done

P = TypeVar("P")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Sight(Generic[P, E]):
    """How it looks.

    Attributes:
        progress: How far it is; only the newest counts.
        done: How it ended; null while it is open.
        events: What it told since the number that was asked for.
    """

    progress: P
    done: Done | None
    events: Sequence[E]


class Looker(Protocol[P, E]):
    """Looks at many things at once."""

    async def look(self, known: Mapping[str, int]) -> Mapping[str, Sight[P, E]]:
        """How they look now; what was deleted is left out.

        Args:
            known: How many events of each are known already, by id.
        """
