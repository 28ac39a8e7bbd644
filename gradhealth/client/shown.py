"""What a client returns: the service's own schemas, and how a notebook shows them."""

from ..documents.base import Record
from ..reports.base import Subject
from ..reports.shown import Shown
from ..schemas.analysis import Analysis, Result


class ShownResult(Shown, Result):
    """A result; a notebook shows it as its report, and so does `print`."""

    @property
    def subject(self) -> Subject:
        return Subject("result", self)


class ShownAnalysis(Shown, Analysis):
    """An analysis; a notebook shows it as its report, and so does `print`."""

    result: ShownResult | None = None

    @property
    def subject(self) -> Subject:
        name = self.labels.get("file") or self.id
        return Subject(name, self.result, None if self.result else self._standing)

    @property
    def _standing(self) -> str:
        if self.error is not None:
            return f"{self.status}: {self.error.message}"
        progress = self.progress
        return f"{self.status}: {progress.phase}, {progress.done} of {progress.total}"


class ShownPage(Record):
    """One page of a listing, newest first."""

    items: list[ShownAnalysis]
    next_cursor: str | None = None
