"""Runs the product's analysis on a spec, in this process, and keeps what it says."""

import asyncio
import json
import warnings
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from gradhealth.schemas.analysis import Options, Progress
from gradhealth.schemas.trace import Trace
from worker import units
from worker.analysis import analyse

from .families import Spec
from .peers import alarms

# Seeds that no analysis used before.
FRESH_SEEDS = [7, 8, 9]


@dataclass(frozen=True, slots=True)
class FixOutcome:
    """A fix as it was tried; `is_verified` null when it was not tried."""

    name: str
    is_verified: bool | None
    spec: Spec | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product says of a spec.

    Attributes:
        confidence: Of the primary finding.
        causes: Kinds of cause of the two first findings.
        alarms: What the peers' rules say of the first seed's trace.
    """

    verdict: str
    primary: str | None
    confidence: float
    causes: frozenset[str]
    summary: str
    alarms: dict[str, bool]
    fixes: tuple[FixOutcome, ...] = field(default=())


def measure(specs: Iterable[Spec], *, fixes: bool = False) -> Iterator[Answer]:
    """The answers, in order; two processes work at a time."""
    with ProcessPoolExecutor(2) as pool:
        yield from pool.map(_measure_with_fixes if fixes else _measure, specs)


def with_seeds(spec: Spec, seeds: list[int]) -> Spec:
    """The spec, probed with other seeds."""
    return spec | {"probe": {**spec.get("probe", {}), "seeds": seeds}}


def _measure_with_fixes(spec: Spec) -> Answer:
    return _measure(spec, fixes=True)


def _measure(spec: Spec, *, fixes: bool = False) -> Answer:
    warnings.simplefilter("ignore")
    units.set_threads(1)

    async def run_unit(
        _: str, unit: str, arguments: dict[str, Any], **_options: float
    ) -> Any:
        return json.loads(json.dumps(units.run(unit, arguments, lambda *_: None)))

    async def report(_: Progress) -> None:
        return

    options = Options(verify_fixes=fixes)
    outcome = asyncio.run(analyse(spec, options, run_unit, report))
    units.forget()
    result = outcome.result
    first = next((f for f in result.findings if f.problem == result.primary), None)
    traces = json.loads(zlib.decompress(outcome.traces))
    return Answer(
        verdict=result.verdict,
        primary=result.primary,
        confidence=first.confidence if first else 0.0,
        causes=frozenset(finding.cause.kind for finding in result.findings[:2]),
        summary=result.summary,
        alarms=alarms(Trace.from_json(traces[0])),
        fixes=tuple(
            FixOutcome(fix.name, fix.trial.verified if fix.trial else None, fix.spec)
            for fix in result.fixes
        ),
    )
