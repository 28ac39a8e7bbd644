"""An analysis: what is asked for, its state on the way, and its result."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints

from ..documents.base import Document, Record
from .curve import Curve, LayerCurve
from .finding import Finding, Verdict
from .fix import Fix
from .sign import Sign

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Kind = Literal["architecture", "theory", "trace"]
Device = Literal["cpu", "gpu"]
Priority = Literal["low", "normal", "high"]
FINAL: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})
MAX_LABEL_VALUE = 256

ProjectName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", strict=True)
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64, strict=True)]
LabelValue = Annotated[str, StringConstraints(max_length=MAX_LABEL_VALUE, strict=True)]


class FixSelection(Document):
    """Which fixes may be tried, by name; `allow` null means all."""

    allow: list[str] | None = None
    deny: list[str] = []


class Source(Document):
    """Where the spec came from, so that reports can point at its lines."""

    path: str | None = None
    text: str | None = None


class Options(Document):
    """How much work an analysis may do, where and how soon, and by what it is judged.

    Attributes:
        device: `auto` takes a GPU for a large network while a worker has one.
        priority: `high` is next in its project; `low` waits until nothing else does.
        thresholds: Values in place of the detectors' own, by problem and name.
        source: The file that was read, for reports.
    """

    verify_fixes: bool = True
    budget_seconds: Annotated[float, Field(gt=0)] | None = None
    fixes: FixSelection = FixSelection()
    max_trials: Annotated[int, Field(ge=0, le=64)] = 16
    thresholds: dict[str, dict[str, float]] = {}
    device: Device | Literal["auto"] = "auto"
    priority: Priority = "normal"
    source: Source | None = None


class Spread(Record):
    """A statistic over the seeds: mean, and standard deviation when there are several.

    `backward_gain` is averaged in log10 (its mean is the geometric one, and its
    spread is in decades).
    """

    mean: float
    spread: float | None = None


class Stages(Record):
    """A statistic at the start, in the middle and at the end of the training."""

    start: Spread | None = None
    middle: Spread | None = None
    end: Spread | None = None


class LayerStatistics(Record):
    """What was measured at one layer; null where the statistic has no meaning there."""

    path: str
    type: str
    depth: int
    backward_gain: Stages | None = None
    forward_std: Stages | None = None
    grad_norm: Stages | None = None
    weight_norm: Stages | None = None
    update_ratio: Stages | None = None
    dead_fraction: Stages | None = None
    saturated_fraction: Stages | None = None


class LayerTheory(Record):
    """Mean-field prediction at one station.

    Attributes:
        factor: Growth of the backward norm across this station; null at the last.
        backward_gain: Predicted J, relative to the last hidden station.
    """

    path: str
    factor: float | None = None
    backward_gain: float | None = None


class Theory(Record):
    """Mean-field prediction for the whole network.

    Attributes:
        backward_gain: Predicted J of the first station; null where theory is silent.
        log10_spread: Predicted standard deviation of log10 J over initialisations.
        caveats: Where and why the prediction does not hold.
    """

    layers: list[LayerTheory] = []
    backward_gain: float | None = None
    log10_spread: float | None = None
    temporal_factor: float | None = None
    caveats: list[str] = []


class Durations(Record):
    """Wall-clock seconds of the parts; the four steps of training are sums."""

    build: float = 0.0
    forward: float = 0.0
    loss: float = 0.0
    backward: float = 0.0
    update: float = 0.0
    probe: float = 0.0
    trials: float = 0.0
    total: float = 0.0


class Environment(Record):
    """What the numbers were measured with."""

    versions: dict[str, str] = {}
    device: str = ""
    seeds: list[int] = []
    durations: Durations = Durations()


class Result(Record):
    """The answer: a verdict, its reasons, and what makes it better."""

    verdict: Verdict
    primary: str | None = None
    summary: str
    findings: list[Finding] = []
    signs: list[Sign] = []
    layers: list[LayerStatistics] = []
    curves: dict[str, Curve] = {}
    layer_curves: dict[str, LayerCurve] = {}
    theory: Theory | None = None
    fixes: list[Fix] = []
    notes: list[str] = []
    environment: Environment = Environment()


class Progress(Record):
    """How far a running analysis has come: `done` of `total` units of `phase`."""

    phase: str = "queued"
    done: int = 0
    total: int = 0


class AnalysisError(Record):
    """Why an analysis failed."""

    code: str
    message: str


class Links(Record):
    """Addresses of an analysis and of what can be done with it.

    Attributes:
        runs: Of a log, the analyses of all runs in the same file.
    """

    self: str
    cancel: str
    runs: str | None = None


class Analysis(Record):
    """The resource under `/v1/analyses/{id}`."""

    id: str
    kind: Kind
    project: str = "default"
    labels: dict[str, str] = {}
    status: Status
    progress: Progress = Progress()
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    error: AnalysisError | None = None
    result: Result | None = None
    links: Links


class AnalysisPage(Record):
    """One page of a listing, newest first."""

    items: list[Analysis]
    next_cursor: str | None = None


class ArchitectureRequest(Document):
    """Body of `POST /v1/analyses` for an architecture: train it and look."""

    kind: Literal["architecture"]
    spec: dict[str, Any]
    options: Options = Options()
    project: ProjectName = "default"
    labels: Annotated[dict[Label, LabelValue], Field(max_length=16)] = {}


class TheoryRequest(Document):
    """Body of `POST /v1/analyses` for theory alone: answered at once."""

    kind: Literal["theory"]
    spec: dict[str, Any]
    project: ProjectName = "default"
    labels: Annotated[dict[Label, LabelValue], Field(max_length=16)] = {}


class TraceOptions(Document):
    """By what a trace is judged, and where it came from.

    Attributes:
        thresholds: Values in place of the detectors' own, by problem and name.
        source: The file that was read, for reports.
    """

    thresholds: dict[str, dict[str, float]] = {}
    source: Source | None = None


class TraceRequest(Document):
    """Body of `POST /v1/analyses` for a trace: judged at once.

    Attributes:
        trace: A `TraceDocument`.
    """

    kind: Literal["trace"]
    trace: dict[str, Any]
    options: TraceOptions = TraceOptions()
    project: ProjectName = "default"
    labels: Annotated[dict[Label, LabelValue], Field(max_length=16)] = {}


AnyRequest: TypeAlias = ArchitectureRequest | TheoryRequest | TraceRequest
AnalysisRequest = Annotated[AnyRequest, Field(discriminator="kind")]
