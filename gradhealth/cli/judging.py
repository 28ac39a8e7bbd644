"""From a document to a result, whatever it holds."""

from typing import Any

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.schemas.analysis import Options, Result, Source

from .analyst import Analyst, OnProgress
from .documents import Document, not_a_spec, spec_of

# A longer text is not sent along: reports then point at the file, not at a line.
MAX_SOURCE_CHARACTERS = 1_000_000


def judge_document(
    document: Document,
    analyst: Analyst,
    options: Options,
    on_progress: OnProgress,
    *,
    seconds: float | None = None,
) -> Result:
    """The result for one document.

    Args:
        document: A file that was read.
        analyst: Who analyses a spec.
        options: How much work it may be.
        on_progress: Is told how far it has come.
        seconds: Give up after so long; None to take the worker's limit.

    Raises:
        UnusableFileError: It is no spec; every mistake is listed.
        GradHealthError: There is no result.
    """
    spec: dict[str, Any] = spec_of(document)
    options = options.model_copy(update={"source": source_of(document)})
    try:
        return analyst.analyse(spec, options, on_progress, seconds=seconds)
    except InvalidDocumentError as error:
        raise not_a_spec(document.path, error.problems) from error


def source_of(document: Document) -> Source:
    """The document for reports that point at its lines."""
    text = document.content.decode("utf-8-sig", errors="replace")
    return Source(
        path=document.name, text=text if len(text) <= MAX_SOURCE_CHARACTERS else None
    )
