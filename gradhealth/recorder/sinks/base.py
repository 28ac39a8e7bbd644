"""What every destination takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic_core import to_json

from ...batches.batch import Batch
from ...schemas.trace import Context, TracedLayer


@dataclass(frozen=True, slots=True)
class Header:
    """What is known about a run before its numbers.

    Attributes:
        layers: In the order of a batch's columns.
    """

    run: str
    layers: Sequence[TracedLayer]
    context: Context

    def to_document(self) -> dict[str, Any]:
        """The first line of a trace file, as JSON values."""
        return {
            "trace_version": 1,
            "run": self.run,
            "layers": [layer.model_dump() for layer in self.layers],
            "context": self.context.model_dump(mode="json"),
        }

    def to_json(self) -> bytes:
        return to_json(self.to_document())


class Sink(Protocol):
    """Takes a run on a thread of the recorder; may fail, but never waits for long."""

    @property
    def notes(self) -> list[str]:
        """What a user should know: where the run is, what did not arrive."""

    def begin(self, header: Header) -> None:
        """Called once, before any batch."""

    def write(self, batch: Batch) -> None:
        """Takes one batch, in order."""

    def close(self) -> None:
        """Finishes."""
