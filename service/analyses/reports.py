"""Renders finished analyses, and compares them."""

from dataclasses import dataclass

from gradhealth.gate.comparison import compare
from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import FINAL, Analysis, Result
from gradhealth.schemas.comparison import Comparison
from storage.analyses.store import AnalysisStore

from ..exceptions import NotFinishedError, NotFoundError


@dataclass(frozen=True, slots=True)
class Rendering:
    """A report and its media type."""

    text: str
    media_type: str


class ReportService:
    """Reads finished analyses for people and for pipelines."""

    def __init__(self, store: AnalysisStore) -> None:
        self._store = store

    async def render(self, analysis_id: str, format_name: str) -> Rendering:
        """The report on one analysis; one that failed says why.

        Raises:
            NotFoundError: There is none with this id.
            NotFinishedError: It is still queued or running.
        """
        analysis = await self._find(analysis_id)
        if analysis.status not in FINAL:
            raise NotFinishedError(analysis_id, analysis.status)
        report = reports()[format_name]()
        text = report.render([await self._subject(analysis)])
        return Rendering(text, report.media_type)

    async def subjects(self, *analysis_ids: str) -> list[tuple[Analysis, Subject]]:
        """Analyses with what there is to report on them.

        Raises:
            NotFoundError: One of them does not exist.
        """
        found = [await self._find(each) for each in analysis_ids]
        return [(analysis, await self._subject(analysis)) for analysis in found]

    async def compare(self, analysis_id: str, baseline_id: str) -> Comparison:
        """What got worse since the baseline, and what better.

        Raises:
            NotFoundError: One of the two does not exist.
            NotFinishedError: One of the two has no result.
        """
        baseline = _result(await self._find(baseline_id))
        return compare(baseline, _result(await self._find(analysis_id)))

    async def _find(self, analysis_id: str) -> Analysis:
        analysis = await self._store.get(analysis_id)
        if analysis is None:
            raise NotFoundError(analysis_id)
        return analysis

    async def _subject(self, analysis: Analysis) -> Subject:
        options = await self._store.options(analysis.id)
        source = options.source if options else None
        spec = await self._store.spec(analysis.id) or {}
        path = source.path if source else None
        run = (
            analysis.labels.get("run", "") if path and analysis.kind == "trace" else ""
        )
        name = path or spec.get("name") or analysis.id
        error = None
        if analysis.result is None:
            reason = analysis.error.message if analysis.error else ""
            error = f"the analysis was {analysis.status} {reason}".strip()
        return Subject(
            f"{name}: {run}" if run else str(name),
            analysis.result,
            error=error,
            source=source,
            run=run,
        )


def _result(analysis: Analysis) -> Result:
    if analysis.result is None:
        raise NotFinishedError(analysis.id, analysis.status)
    return analysis.result
