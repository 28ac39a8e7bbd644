"""What the editor begins with: an example, an analysis as it was sent or as fixed."""

from gradhealth.examples import EXAMPLES, example_text
from storage.analyses.store import AnalysisStore

from ..exceptions import NotFoundError
from .spec_text import spec_text
from .submission import Submission


class EditorService:
    """Fills the form for a new analysis."""

    def __init__(self, store: AnalysisStore) -> None:
        self._store = store

    def example(self, name: str) -> Submission:
        """The form with one of the examples; the first where there is none such."""
        return Submission.blank(example_text(name if name in EXAMPLES else EXAMPLES[0]))

    async def again(self, analysis_id: str, fix_name: str | None) -> Submission:
        """The form with the spec of an analysis.

        Args:
            analysis_id: The analysis.
            fix_name: With this one of its fixes applied.

        Raises:
            NotFoundError: There is no such analysis, or no such fix.
        """
        analysis = await self._store.get(analysis_id)
        if analysis is None:
            raise NotFoundError(analysis_id)
        if fix_name is not None:
            fixes = analysis.result.fixes if analysis.result else []
            spec = next((fix.spec for fix in fixes if fix.name == fix_name), None)
            if spec is None:
                raise NotFoundError(analysis_id)
            return Submission.blank(spec_text(spec), analysis.project)
        options = await self._store.options(analysis_id)
        if options and options.source and options.source.text:
            return Submission.blank(options.source.text, analysis.project)
        spec = await self._store.spec(analysis_id)
        return Submission.blank(spec_text(spec), analysis.project)
