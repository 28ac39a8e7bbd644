"""What a fix is: a rewrite of the spec that is known to treat certain problems."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from ..architecture.limits import UNLIMITED
from ..architecture.network import Network, resolve
from ..documents.patch import diff
from ..exceptions import InvalidDocumentError
from ..schemas.finding import CauseKind, Finding

Kind = Literal[
    "activation",
    "normalisation",
    "residual",
    "initialisation",
    "depth",
    "recurrence",
    "learning_rate",
    "optimizer",
    "clipping",
    "weight_decay",
    "loss",
    "precision",
    "data",
    "hardware",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the runs of the diagnosis showed that a fix may be measured by.

    Attributes:
        typical_grad_norm: Norm of all gradients in an ordinary step (the 10th
            percentile of the finite ones); NaN where unknown.
        first_layers_change: Sum over the run of update/weight in the first third of the
            layers; NaN where unknown.
        step_seconds: Wall-clock seconds of one update.
    """

    typical_grad_norm: float
    first_layers_change: float
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be treated.

    Attributes:
        document: The spec as sent.
        network: What it resolves to.
        findings: Findings that are more than information, the primary one first.
        facts: What was measured; null where nothing was trained.
    """

    document: Mapping[str, Any]
    network: Network
    findings: tuple[Finding, ...]
    facts: Facts | None = None

    @property
    def problem(self) -> str:
        """The primary problem."""
        return self.findings[0].problem

    @property
    def cause(self) -> CauseKind:
        """What the primary problem comes from."""
        return self.findings[0].cause.kind

    def evidence(self, statistic: str) -> float | None:
        """The first value found for a statistic; null when no finding shows it."""
        values = (
            evidence.value
            for finding in self.findings
            for evidence in finding.evidence
            if evidence.statistic == statistic
        )
        return next(values, None)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to apply a fix.

    Attributes:
        title: The change in a few words.
        why: One or two sentences: what it does to the gradient, and the source.
        spec: The whole spec with the change; null for advice that no spec expresses.
        snippet: The change in torch, to paste.
        variant: Tells several ways of one fix apart; empty when there is one.
    """

    title: str
    why: str
    spec: dict[str, Any] | None
    snippet: str
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fix that may be tried: a proposal that changes the spec and fits together.

    Attributes:
        name: Name of the fix and its variant, e.g. `replace_activation_relu`.
        fix: Name of the fix alone.
        problem: What it shall cure.
        kind: What is changed; of each kind only the best are proved.
        size: Number of places of the spec that change.
        removes_cause: Whether the fix is known to remove what was found to be the
            cause: it is tried to the end, whatever short runs say.
    """

    name: str
    fix: str
    problem: str
    kind: Kind
    title: str
    why: str
    spec: dict[str, Any] | None
    snippet: str
    size: int
    removes_cause: bool = False


class Remedy(ABC):
    """A fix. The file it stands in gives its name.

    Attributes:
        kind: What it changes.
        treats: Problems that it is known to cure.
        causes: Causes that it removes: it is tried first where one of them is found.
        misused_for: Problems people try it for in vain. It is offered there, last, so
            that the trial says so.
        superseded: Whether later ideas of its kind do the same better: it stands
            behind them.
    """

    kind: ClassVar[Kind]
    treats: ClassVar[frozenset[str]]
    causes: ClassVar[frozenset[CauseKind]] = frozenset()
    misused_for: ClassVar[frozenset[str]] = frozenset()
    superseded: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The name of the file, e.g. `replace_activation`."""
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def proposals(self, case: Case) -> Iterator[Proposal]:
        """The ways to apply the fix, most promising first; none where it must not be.

        A proposal may leave the spec as it is, or not fit: it is dropped then.
        """

    @final
    def candidates(self, case: Case) -> Iterator[Candidate]:
        """The proposals that change something and give a spec that can be trained."""
        for proposal in self.proposals(case):
            patch = diff(case.document, proposal.spec) if proposal.spec else []
            if proposal.spec is not None and not (patch and _resolves(proposal.spec)):
                continue
            yield Candidate(
                name="_".join(filter(None, (self.name, proposal.variant))),
                fix=self.name,
                problem=case.problem,
                kind=self.kind,
                title=proposal.title,
                why=proposal.why,
                spec=proposal.spec,
                snippet=proposal.snippet,
                size=len(patch),
                removes_cause=case.problem in self.treats and case.cause in self.causes,
            )


def _resolves(spec: Mapping[str, Any]) -> bool:
    # Sizes that were written out may have lost their match. Limits were checked for
    # the spec as sent; a change by a few layers is no matter for them.
    try:
        resolve(spec, UNLIMITED)
    except InvalidDocumentError:
        return False
    return True
