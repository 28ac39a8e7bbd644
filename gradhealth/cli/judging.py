"""From a file to results, whatever it holds."""

from dataclasses import dataclass
from pathlib import Path

from gradhealth.exceptions import InvalidDocumentError, Problem
from gradhealth.schemas.analysis import Options, Result, Source

from .analyst import Analyst, OnProgress
from .documents import (
    MAX_SPEC_BYTES,
    Document,
    UnusableFileError,
    doubts_about_spec,
    name_of,
    not_a_spec,
    read_document,
    size_of,
    spec_of,
)
from .run_results import AS_IT_IS, LogReading, names_of_runs

# A longer text is not sent along: reports then point at the file, not at a line.
MAX_SOURCE_CHARACTERS = 1_000_000
# Nobody means a spec by these: what is wrong with one would only be confusing.
LOG_SUFFIXES = frozenset(
    {".csv", ".tsv", ".jsonl", ".ndjson", ".log", ".out", ".wandb", ".db"}
    | {".gz", ".zst", ".zip", ".tar", ".tgz"}
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a file, or in one of the runs in it.

    Attributes:
        source: The file, with its text where that is a spec.
        title: What the author of a spec calls it; empty where nobody did.
        run: The run's name, where a log has several.
    """

    result: Result
    source: Source
    title: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Judging:
    """How files become results.

    Attributes:
        analyst: Who does the work.
        reading: How logs are to be read.
    """

    analyst: Analyst
    reading: LogReading = AS_IT_IS

    def of(
        self,
        path: Path,
        options: Options,
        on_progress: OnProgress,
        *,
        seconds: float | None = None,
    ) -> list[Judged]:
        """The result of a spec, or of each run in a log.

        Args:
            path: The file.
            options: How much work it may be, and by which thresholds it is judged.
            on_progress: Is told how far it has come.
            seconds: Give up after so long; None to take the worker's limit.

        Raises:
            UnusableFileError: It is neither; every mistake is listed.
            GradHealthError: There is no result.
        """
        # A file that is too long for a spec is not even read for it.
        if size_of(path) > MAX_SPEC_BYTES:
            doubts = f"larger than {MAX_SPEC_BYTES:,} bytes"
            return self._of_log(path, doubts, options, seconds)
        document = read_document(path)
        if doubts := doubts_about_spec(document.content):
            return self._of_log(path, doubts, options, seconds)
        return [self._of_spec(document, options, on_progress, seconds)]

    def _of_spec(
        self,
        document: Document,
        options: Options,
        on_progress: OnProgress,
        seconds: float | None,
    ) -> Judged:
        spec, source = spec_of(document), _source_of(document)
        options = options.model_copy(update={"source": source})
        try:
            result = self.analyst.analyse(spec, options, on_progress, seconds=seconds)
        except InvalidDocumentError as error:
            raise not_a_spec(document, error.problems) from error
        return Judged(result, source, title=spec.get("name") or "")

    def _of_log(
        self, path: Path, doubts: str, options: Options, seconds: float | None
    ) -> list[Judged]:
        source = Source(path=name_of(path))
        options = options.model_copy(update={"source": source})
        try:
            found = self.analyst.judge_log(path, self.reading, options, seconds=seconds)
        except InvalidDocumentError as error:
            raise _neither(path, doubts, error) from error
        return [
            Judged(each.result, source, run=run)
            for run, each in zip(names_of_runs(found), found, strict=True)
        ]


def _neither(path: Path, doubts: str, error: InvalidDocumentError) -> UnusableFileError:
    if path.suffix.lower() in LOG_SUFFIXES:
        mistakes = [f"  {_told(each)}" for each in error.problems]
        return UnusableFileError("\n".join([f"{path} is not a usable log:", *mistakes]))
    as_a_log = [f"  as a log: {_told(each)}" for each in error.problems]
    return UnusableFileError(
        "\n".join(
            [
                f"{path} is neither a usable spec nor a usable log:",
                f"  as a spec: {doubts}",
                *as_a_log,
            ]
        )
    )


def _told(problem: Problem) -> str:
    return ": ".join(filter(None, (problem.pointer, problem.message)))


def _source_of(document: Document) -> Source:
    """The document for reports that point at its lines."""
    text = document.content.decode("utf-8-sig", errors="replace")
    return Source(
        path=document.name, text=text if len(text) <= MAX_SOURCE_CHARACTERS else None
    )
