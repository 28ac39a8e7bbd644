"""Runs that are still going: what is announced, and what is known of them so far."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from ..documents.base import Document, Record
from .analysis import ProjectName, Result
from .finding import Finding, Severity, Verdict
from .trace import LayerDocument

AlertState = Literal["raised", "cleared"]


class RunRequest(Document):
    """Body of `POST /v1/runs`.

    Attributes:
        name: For people.
        layers: In the order of the batches' columns, which is that of depth unless
            `config.layer_order` says "unknown".
        config: What is known beside the numbers. The keys of a trace's context
            (`trivial_loss`, `clip_max_norm`, ...) help to judge; others are kept.
    """

    name: Annotated[str, Field(min_length=1, max_length=500)]
    layers: list[LayerDocument] = []
    config: dict[str, Any] = {}
    project: ProjectName = "default"


class OpenProblem(Record):
    """A problem that was raised and has not been cleared.

    Attributes:
        severity: The worst since it was raised.
        absent_since: Number of rows of the run when it was first found gone again.
    """

    problem: str
    severity: Severity
    absent_since: int | None = None


class Alert(Record):
    """A problem that appeared, got worse, or is gone.

    Attributes:
        number: In the run, from 1.
        at: When it was found.
        step: The last step that was judged then.
        finding: As it was then; null where it is gone.
    """

    number: int
    at: datetime
    state: AlertState
    problem: str
    severity: Severity
    step: int
    finding: Finding | None = None


class RunProgress(Record):
    """How far a run is, and how it looks.

    Attributes:
        judged_step: The last step that `verdict` and `summary` know.
    """

    num_steps: int
    last_step: int | None
    judged_step: int | None
    verdict: Verdict | None
    summary: str


class RunLinks(Record):
    """Addresses of a run."""

    self: str
    batches: str
    events: str


class Run(Record):
    """The resource under `/v1/runs/{id}`.

    Attributes:
        updated_at: When its last batch came; null before the first.
        num_steps: Steps of which something was sent.
        last_step: null before the first batch.
        verdict: Of what was judged so far; null before that.
        judged_step: The last step that `verdict` and `summary` know.
        problems: What is raised now.
        config: As it was sent; left out of listings, as are the next two.
        result: The diagnosis so far, with curves for pictures.
        alerts: The latest, newest first.
    """

    id: str
    name: str
    project: str
    created_at: datetime
    updated_at: datetime | None = None
    num_layers: int
    num_steps: int = 0
    num_batches: int = 0
    last_step: int | None = None
    stored_bytes: int = 0
    verdict: Verdict | None = None
    primary: str | None = None
    summary: str = ""
    judged_step: int | None = None
    problems: list[OpenProblem] = []
    config: dict[str, Any] | None = None
    result: Result | None = None
    alerts: list[Alert] | None = None
    links: RunLinks


class RunPage(Record):
    """One page of a listing, newest first."""

    items: list[Run]
    next_cursor: str | None = None


class Receipt(Record):
    """What became of a batch.

    Attributes:
        is_repeat: It had come before, and changed nothing.
        num_steps: Of the run, with it.
        last_step: Of the run.
    """

    sequence: int
    is_repeat: bool
    num_steps: int
    last_step: int
