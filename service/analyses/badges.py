"""A project's state in one word, for a README."""

from dataclasses import dataclass
from typing import Literal

from gradhealth.documents.base import Record
from gradhealth.schemas.finding import Verdict
from storage.analyses.store import AnalysisStore

from ..access.callers import Caller

LABEL = "gradients"
# shields.io asks again no sooner than this.
CACHE_SECONDS = 300
HEIGHT, FONT_SIZE, PADDING = 20, 11, 6
# Width of a letter of Verdana at this size, on average.
LETTER_WIDTH = 6.6


class ShieldsBadge(Record):
    """What shields.io reads: https://shields.io/badges/endpoint-badge."""

    schemaVersion: Literal[1] = 1  # noqa: N815 -- their name
    label: str = LABEL
    message: str
    color: str
    cacheSeconds: int = CACHE_SECONDS  # noqa: N815 -- their name


@dataclass(frozen=True, slots=True)
class Badge:
    """A word with its colours.

    Attributes:
        shields: A colour of shields.io by name.
        fill: One with a contrast of at least 4.5 to white.
    """

    message: str
    shields: str
    fill: str

    def to_shields(self) -> ShieldsBadge:
        """For shields.io."""
        return ShieldsBadge(message=self.message, color=self.shields)

    def to_svg(self) -> str:
        """A picture of our own, for networks that shields.io does not reach."""
        left, right = _width(LABEL), _width(self.message)
        width, title = left + right, f"{LABEL}: {self.message}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
            f'height="{HEIGHT}" role="img" aria-label="{title}">'
            f"<title>{title}</title>"
            f'<rect width="{left}" height="{HEIGHT}" fill="#444"/>'
            f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{self.fill}"/>'
            f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" '
            f'font-size="{FONT_SIZE}" text-anchor="middle">'
            f'<text x="{left / 2:g}" y="14">{LABEL}</text>'
            f'<text x="{left + right / 2:g}" y="14">{self.message}</text>'
            "</g></svg>"
        )


UNKNOWN = Badge("unknown", "lightgrey", "#57606a")
BADGES: dict[Verdict, Badge] = {
    "healthy": Badge("healthy", "brightgreen", "#1a7f37"),
    "warning": Badge("warning", "orange", "#8a5a00"),
    "critical": Badge("critical", "red", "#b3261e"),
    "insufficient_data": Badge("insufficient data", "lightgrey", "#57606a"),
}


class BadgeService:
    """Looks up what a badge says.

    Args:
        store: Where the caller's analyses are kept.
        caller: Who asks.
    """

    def __init__(self, store: AnalysisStore, caller: Caller) -> None:
        self._store = store
        self._caller = caller

    async def find(self, project: str, branch: str | None) -> Badge:
        """The badge of a project; grey where there is nothing to say.

        Args:
            project: Its newest finished analysis counts, and where that belongs to a
                commit, the worst one of the same commit: a commit may have many files.
            branch: Only analyses with this label.
        """
        if "\0" in project + (branch or ""):
            return UNKNOWN
        project = self._caller.meant(project)
        label = ("branch", branch) if branch else None
        page = await self._store.page(
            project=project, status="succeeded", label=label, limit=1
        )
        newest = page.items[0] if page.items else None
        if newest is None or newest.result is None:
            return UNKNOWN
        commit = newest.labels.get("commit")
        if commit is not None:
            for verdict in ("critical", "warning"):
                if await self._has(project, commit, verdict):
                    return BADGES[verdict]
        return BADGES[newest.result.verdict]

    async def _has(self, project: str, commit: str, verdict: Verdict) -> bool:
        page = await self._store.page(
            project=project, verdict=verdict, label=("commit", commit), limit=1
        )
        return bool(page.items)


def _width(text: str) -> int:
    return round(len(text) * LETTER_WIDTH) + 2 * PADDING
