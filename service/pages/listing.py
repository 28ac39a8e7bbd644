"""The list of analyses: what the address says about it, and how it goes on."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field, model_validator

from storage.analyses.filters import Filters

from ..requests.analysis_query import STORABLE, AnalysisQuery


class ListingQuery(AnalysisQuery):
    """The filters as a form sends them: what was left empty does not restrict."""

    name: Annotated[str, Field(pattern=STORABLE)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_blanks(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value not in ("", [""])}

    @property
    def filters(self) -> Filters:
        """For the storage."""
        return Filters(
            self.project, self.status, self.verdict, self.label_pair, self.name
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out."""
        return self.filters != Filters()

    def address_after(self, cursor: str) -> str:
        """Where the next page is."""
        kept = self.model_dump(exclude_none=True, exclude_defaults=True)
        return "/?" + urlencode({**kept, "cursor": cursor})
