"""The query parameters of the listing of runs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .analysis_query import STORABLE


class RunQuery(BaseModel):
    """Which runs to list; what is left out does not restrict.

    Attributes:
        limit: Largest number of runs in the answer.
        cursor: `next_cursor` of the page before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Annotated[str, Field(pattern=STORABLE)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(pattern=STORABLE)] | None = None
