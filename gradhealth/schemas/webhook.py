"""Webhooks: addresses that are told what happens in a project."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter
from pydantic_core import PydanticCustomError

from ..documents.base import Document, Record
from .analysis import AnalysisError, Kind, ProjectName, Status
from .finding import Severity, Verdict
from .run import AlertState

EventType: TypeAlias = Literal[
    "analysis.succeeded", "analysis.failed", "analysis.cancelled", "run.alert"
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
DeliveryState: TypeAlias = Literal["pending", "delivered", "dead"]
MAX_URL = 2000
_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


def _checked_url(text: str) -> str:
    url = _URL.validate_python(text)
    if url.username or url.password or url.fragment:
        raise PydanticCustomError(
            "url_parts", "leave user name, password and fragment out of the address"
        )
    return str(url)


class WebhookRequest(Document):
    """Body of `POST /v1/webhooks`.

    Attributes:
        url: Where to post; `https` unless the way there is trusted.
        events: What is told; everything when left out.
    """

    url: Annotated[str, Field(max_length=MAX_URL), AfterValidator(_checked_url)]
    events: Annotated[list[EventType], Field(min_length=1)] = list(EVENT_TYPES)
    project: ProjectName = "default"


class Webhook(Record):
    """An address that is told.

    Attributes:
        disabled_at: When it answered 410, which stops everything until a replay.
    """

    id: str
    project: str
    url: str
    events: list[EventType]
    created_at: datetime
    disabled_at: datetime | None = None


class NewWebhook(Webhook):
    """A webhook that was just made.

    Attributes:
        secret: Proves what comes from here; never shown again.
    """

    secret: str


class WebhookPage(Record):
    """All webhooks, newest first."""

    items: list[Webhook]


class Delivery(Record):
    """Something that was told, or is still to be.

    Attributes:
        id: What the receiver sees as `webhook-id`, the same each time.
        due_seconds: Time until the next attempt; null where none follows.
        last_status: HTTP status of the last answer, if there was one.
        last_error: Why there was none.
    """

    id: str
    webhook_id: str
    type: EventType
    state: DeliveryState
    attempts: int
    created_at: datetime
    ended_at: datetime | None = None
    due_seconds: float | None = None
    last_status: int | None = None
    last_error: str | None = None


class DeliveryPage(Record):
    """The latest deliveries, newest first."""

    items: list[Delivery]


class EndedAnalysis(Record):
    """The `data` of an event about an analysis; its result is behind the link."""

    id: str
    kind: Kind
    project: str
    labels: dict[str, str]
    status: Status
    verdict: Verdict | None
    primary: str | None
    summary: str | None
    error: AnalysisError | None
    link: str


class RunAlert(Record):
    """The `data` of an event about a run; its diagnosis is behind the link."""

    run_id: str
    run: str
    project: str
    number: int
    state: AlertState
    problem: str
    severity: Severity
    step: int
    link: str


class WebhookEvent(Record):
    """What is posted, in the form of the Standard Webhooks specification."""

    type: EventType
    timestamp: datetime
    data: EndedAnalysis | RunAlert
