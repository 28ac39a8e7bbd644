"""What a client asks of a service: each call described once, however it travels."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar, Unpack

import httpx

from ..batches.packing import CONTENT_TYPE
from ..documents.base import Document, Record
from ..schemas.analysis import Options, Status, TraceOptions
from ..schemas.comparison import Comparison
from ..schemas.finding import Verdict
from ..schemas.trace import Trace, TracedLayer
from .answers import reader
from .shown import ShownAnalysis, ShownPage

T = TypeVar("T")
# What is sent otherwise than as it is.
_NO_PARAMETERS = {"labels", "idempotency_key"}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request, and how its answer is read.

    Attributes:
        read: Raises pydantic's `ValidationError` for what this service never says.
        wait_seconds: What the service may take on top of a usual answer's time.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    wait_seconds: float = 0.0


class Filing(TypedDict, total=False):
    """Where an analysis belongs.

    Attributes:
        project: On a service with keys, the key's own.
        labels: Anything to find it by.
        idempotency_key: With the same key and request, the same analysis is returned.
            Left out, each call has its own, so that its repeats are harmless.
    """

    project: str
    labels: Mapping[str, str]
    idempotency_key: str


class Sending(TypedDict, total=False):
    """How a log is read, and where its analyses belong.

    Attributes:
        format: A format's name; left out, it is recognised.
        map: Which of the log's names is what: "step:iteration,loss:train_loss".
        layers: Paths from the input on with commas between, where the log has none.
        project: On a service with keys, the key's own.
        labels: Anything to find the analyses by.
        idempotency_key: As in `Filing`.
    """

    format: str
    map: str
    layers: str
    project: str
    labels: Mapping[str, str]
    idempotency_key: str


class Filters(TypedDict, total=False):
    """Which analyses a listing shows.

    Attributes:
        label: "key:value".
        limit: How many a page has, at most 200.
    """

    project: str
    status: Status
    verdict: Verdict
    label: str
    limit: int


class _RunId(Record):
    id: str


def submit(
    spec: Mapping[str, Any],
    *,
    options: Options | None = None,
    wait_seconds: float = 0,
    **filing: Unpack[Filing],
) -> Call[ShownAnalysis]:
    """Asks for the analysis of an architecture.

    Args:
        spec: The architecture.
        options: How much work it may be.
        wait_seconds: How long the answer may wait for the end, at most 60.
        filing: `project`, `labels`, `idempotency_key`; see `Filing`.
    """
    asked = _to_json(options or Options())
    body = {"kind": "architecture", "spec": spec, "options": asked}
    return _create(body, filing, wait_seconds)


def predict(spec: Mapping[str, Any], **filing: Unpack[Filing]) -> Call[ShownAnalysis]:
    """What mean-field theory alone says of an architecture, at once.

    Args:
        spec: The architecture.
        filing: As for `submit`.
    """
    return _create({"kind": "theory", "spec": spec}, filing)


def judge(
    trace: Trace | Mapping[str, Any],
    *,
    options: TraceOptions | None = None,
    **filing: Unpack[Filing],
) -> Call[ShownAnalysis]:
    """What the trace of a training shows, at once.

    Args:
        trace: Of a recorder, or the document of one.
        options: By what it is judged.
        filing: As for `submit`.
    """
    document = trace.to_json() if isinstance(trace, Trace) else trace
    asked = _to_json(options or TraceOptions())
    return _create({"kind": "trace", "trace": document, "options": asked}, filing)


def submit_log(
    content: bytes,
    *,
    options: TraceOptions | None = None,
    wait_seconds: float = 0,
    **sending: Unpack[Sending],
) -> Call[list[ShownAnalysis]]:
    """Sends a log as people have it: the analyses of the runs in it.

    A large one waits for a worker. Its answer is one analysis, which becomes that of
    the first run; `runs_in_file` then has all.

    Args:
        content: The file, at most 64 MiB; it may be a gzip.
        options: By what it is judged, and its name as `source.path`.
        wait_seconds: What reading it may take on top of a usual answer's time.
        sending: How it is to be read, and where it belongs; see `Sending`.
    """
    asked = options or TraceOptions()
    params = {
        "filename": (asked.source and asked.source.path) or "",
        "threshold": [
            f"{problem}.{name}:{value!r}"
            for problem, values in asked.thresholds.items()
            for name, value in values.items()
        ],
        "label": [f"{k}:{v}" for k, v in sending.get("labels", {}).items()],
        **{
            name: value for name, value in sending.items() if name not in _NO_PARAMETERS
        },
    }
    key = sending.get("idempotency_key") or uuid.uuid4().hex
    return Call(
        "POST",
        "/v1/traces",
        _analyses,
        params=params,
        headers={
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": key,
        },
        content=content,
        wait_seconds=wait_seconds,
    )


def get(analysis_id: str, *, wait_seconds: float = 0) -> Call[ShownAnalysis]:
    """The analysis: finished, or as it is after `wait_seconds` (at most 60)."""
    return Call(
        "GET",
        f"/v1/analyses/{analysis_id}",
        reader(ShownAnalysis),
        params=_waiting(wait_seconds),
        wait_seconds=wait_seconds,
    )


def runs_in_file(analysis_id: str) -> Call[list[ShownAnalysis]]:
    """The analyses of all runs in the log that an analysis is about."""
    return Call("GET", f"/v1/analyses/{analysis_id}/runs", _analyses)


def page(*, cursor: str | None = None, **filters: Unpack[Filters]) -> Call[ShownPage]:
    """One page of the analyses, newest first.

    Args:
        cursor: The `next_cursor` of the page before.
        filters: Which analyses, and how many a page; see `Filters`.
    """
    params = {**filters, **({"cursor": cursor} if cursor else {})}
    return Call("GET", "/v1/analyses", reader(ShownPage), params=params)


def cancel(analysis_id: str) -> Call[ShownAnalysis]:
    """Stops the work; a finished analysis stays as it is."""
    return Call("POST", f"/v1/analyses/{analysis_id}/cancel", reader(ShownAnalysis))


def delete(analysis_id: str) -> Call[None]:
    """Stops the work and forgets the analysis."""
    return Call("DELETE", f"/v1/analyses/{analysis_id}", _nothing)


def report(analysis_id: str, format_name: str = "markdown") -> Call[str]:
    """A finished analysis as text: html, markdown, text, json, sarif, junit, ..."""
    params = {"format": format_name}
    return Call("GET", f"/v1/analyses/{analysis_id}/report", _text, params=params)


def compare(analysis_id: str, *, baseline: str) -> Call[Comparison]:
    """What got worse since the analysis with the id `baseline`, and what better."""
    return Call(
        "GET",
        f"/v1/analyses/{analysis_id}/comparison",
        reader(Comparison),
        params={"baseline": baseline},
    )


def create_run(
    name: str,
    *,
    layers: Sequence[TracedLayer],
    config: Mapping[str, Any],
    idempotency_key: str,
) -> Call[str]:
    """Announces a training that will send batches; the answer is its id.

    Args:
        name: For people.
        layers: In the order of the batches' columns.
        config: What is known about the run beside its numbers.
        idempotency_key: With the same key it is the same run.
    """
    body = {
        "name": name,
        "layers": [layer.model_dump() for layer in layers],
        "config": dict(config),
    }
    headers = {"Idempotency-Key": idempotency_key}
    return Call("POST", "/v1/runs", _run_id, json=body, headers=headers)


def add_batch(run_id: str, batch: bytes) -> Call[None]:
    """Sends one batch in its binary form; a repeat changes nothing."""
    return Call(
        "POST",
        f"/v1/runs/{run_id}/batches",
        _nothing,
        content=batch,
        headers={"Content-Type": CONTENT_TYPE},
    )


def _to_json(options: Document) -> dict[str, Any]:
    return options.model_dump(mode="json")


def _create(
    body: dict[str, Any], filing: Filing, wait_seconds: float = 0
) -> Call[ShownAnalysis]:
    where = {name: filing[name] for name in ("project", "labels") if name in filing}
    key = filing.get("idempotency_key") or uuid.uuid4().hex
    return Call(
        "POST",
        "/v1/analyses",
        reader(ShownAnalysis),
        params=_waiting(wait_seconds),
        headers={"Idempotency-Key": key},
        json=body | where,
        wait_seconds=wait_seconds,
    )


def _waiting(seconds: float) -> dict[str, float]:
    return {"wait": seconds} if seconds else {}


def _analyses(answer: httpx.Response) -> list[ShownAnalysis]:
    if "items" in answer.json():
        return reader(ShownPage)(answer).items
    return [reader(ShownAnalysis)(answer)]


def _run_id(answer: httpx.Response) -> str:
    return reader(_RunId)(answer).id


def _text(answer: httpx.Response) -> str:
    return answer.text


def _nothing(_answer: httpx.Response) -> None:
    return None
