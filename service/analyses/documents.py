"""Reads analyses as they are sent, without looking into them."""

from storage.analyses.documents import DocumentStore
from storage.analyses.filters import Filters
from storage.analyses.store import AnalysisStore

from ..access.callers import Caller
from ..exceptions import NotFoundError
from ..requests.analysis_query import AnalysisQuery


class DocumentService:
    """Answers for analyses with JSON.

    Args:
        store: Where analyses are kept.
        documents: The same, as they are sent.
        caller: Who asks.
    """

    def __init__(
        self, store: AnalysisStore, documents: DocumentStore, caller: Caller
    ) -> None:
        self._store = store
        self._documents = documents
        self._caller = caller

    async def read(self, analysis_id: str, *, wait_seconds: float) -> str:
        """The analysis as it is when it is finished, or after `wait_seconds`.

        Raises:
            NotFoundError: There is none with this id.
        """
        if wait_seconds:
            await self._store.wait(analysis_id, wait_seconds)
        document = await self._documents.find(analysis_id)
        if document is None:
            raise NotFoundError(analysis_id)
        return document

    async def page(self, query: AnalysisQuery) -> str:
        """One page of a listing.

        Raises:
            InvalidDocumentError: The cursor is not one of this listing.
        """
        project = query.project and self._caller.meant(query.project)
        filters = Filters(project, query.status, query.verdict, query.label_pair)
        return await self._documents.page(
            filters, limit=query.limit, cursor=query.cursor
        )
