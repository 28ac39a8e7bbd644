"""The query parameters of the listing of analyses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gradhealth.schemas.analysis import Status
from gradhealth.schemas.finding import Verdict

# PostgreSQL stores every character but NUL.
STORABLE = r"^[^\x00]*$"


class AnalysisQuery(BaseModel):
    """Which analyses to list; what is left out does not restrict.

    Attributes:
        label: A label's key and the value it must have, `key:value`.
        limit: Largest number of analyses in the answer.
        cursor: `next_cursor` of the page before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Annotated[str, Field(pattern=STORABLE)] | None = None
    status: Status | None = None
    verdict: Verdict | None = None
    label: Annotated[str, Field(pattern=STORABLE)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(pattern=STORABLE)] | None = None

    @field_validator("label")
    @classmethod
    def _is_pair(cls, label: str | None) -> str | None:
        if label is not None and ":" not in label:
            msg = "write a label as key:value"
            raise ValueError(msg)
        return label

    @property
    def label_pair(self) -> tuple[str, str] | None:
        """The label's key and value."""
        key, colon, value = (self.label or "").partition(":")
        return (key, value) if colon else None
