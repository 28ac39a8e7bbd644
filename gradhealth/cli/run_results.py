"""Logs on this machine: what becomes of each run in a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradhealth.detectors.tuned import Thresholds
from gradhealth.ingest import parse_mapping, read_log
from gradhealth.logs.results import judge_log
from gradhealth.schemas.analysis import Result


@dataclass(frozen=True, slots=True)
class LogReading:
    """How logs are to be read, as the user wrote it.

    Attributes:
        format_name: Of a log format, or `auto`.
        mapping: Which of the log's names is what: `step:iteration,loss:train_loss`.
        layers: Paths by depth with commas between.
    """

    format_name: str = "auto"
    mapping: str = ""
    layers: str = ""


AS_IT_IS = LogReading()


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result for one run of a log."""

    run: str
    result: Result


def judge_runs(
    path: Path, reading: LogReading, thresholds: Thresholds
) -> list[RunResult]:
    """The results for all runs in a log.

    Raises:
        IngestError: It cannot be read as a log.
    """
    traces = read_log(
        path,
        format_name=reading.format_name,
        mapping=parse_mapping(reading.mapping, reading.layers),
    )
    return [RunResult(each.run, judge_log(each, thresholds)) for each in traces]


def names_of_runs(results: Sequence[RunResult]) -> list[str]:
    """What tells the runs of a file apart: nothing for one, else their names.

    Of several with one name the later ones are numbered.
    """
    if len(results) == 1:
        return [""]
    runs = [each.run for each in results]
    earlier = [runs[:place].count(run) for place, run in enumerate(runs)]
    return [
        f"{run} ({count + 1})" if count else run
        for run, count in zip(runs, earlier, strict=True)
    ]


def name_of_run(file: str, run: str) -> str:
    """What reports and baselines call a run of a file."""
    return f"{file}: {run}" if run else file
