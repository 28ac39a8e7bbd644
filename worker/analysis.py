"""One architecture analysis from spec to result, without torch and without database.

The measuring is done elsewhere, in units of work: what they reply is kept, so that
whoever takes an analysis over repeats none that is finished.
"""

import json
import zlib
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from gradhealth.diagnosis import diagnose
from gradhealth.initialisation import unmatched
from gradhealth.limits import UNLIMITED
from gradhealth.network import Network, resolve
from gradhealth.prescription import prescribe
from gradhealth.results import assemble
from gradhealth.schemas.analysis import (
    Durations,
    Environment,
    Options,
    Progress,
    Result,
)
from gradhealth.schemas.trace import Trace
from gradhealth.theory.gains import predict

from .ports import Report, RunUnit
from .trials import Baseline, prove


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an analysis comes to.

    Attributes:
        traces: What was measured, as compressed JSON: a list of traces.
    """

    result: Result
    traces: bytes


async def analyse(
    spec: dict[str, Any], options: Options, run_unit: RunUnit, report: Report
) -> Outcome:
    """Measures, diagnoses, and proves fixes.

    Args:
        spec: The architecture spec as sent; it was checked before.
        options: How much work may be done.
        run_unit: Carries out `(key, unit, arguments)` and returns its reply.
        report: Told how far the analysis is.
    """
    began = perf_counter()
    network = resolve(spec, UNLIMITED)
    await report(Progress(phase="training"))
    measured = await run_unit("measure", "measure", {"spec": spec})
    traces = [Trace.from_json(trace) for trace in measured["traces"]]
    diagnosis = diagnose(traces, network)
    trials_began = perf_counter()
    fixes = await prove(
        prescribe(spec, network, diagnosis.findings, options.fixes),
        spec,
        Baseline.of(traces),
        options,
        run_unit,
        report,
    )
    ended = perf_counter()
    durations = Durations(
        **measured["durations"], trials=ended - trials_began, total=ended - began
    )
    result = assemble(
        diagnosis,
        traces,
        theory=predict(network),
        fixes=fixes,
        notes=_notes(network),
        environment=Environment(
            versions=measured["versions"],
            device=measured["device"],
            seeds=network.spec.probe.seeds,
            durations=durations,
        ),
    )
    return Outcome(result, zlib.compress(json.dumps(measured["traces"]).encode()))


def _notes(network: Network) -> list[str]:
    lost = unmatched(network.spec.init, list(network.walk()))
    notes = [f"init rule {rule.match!r} matches no parameter" for rule in lost]
    data = network.goal.data
    if data.standardize and network.input.is_tokens:
        notes.append("data.standardize has no meaning for tokens and was left out")
    if data.standardize_target and network.goal.kind != "values":
        notes.append("data.standardize_target has no meaning for classes: left out")
    if network.num_probe_samples < network.spec.probe.samples:
        notes.append(
            f"the probe read {network.num_probe_samples} samples instead of "
            f"{network.spec.probe.samples}: more would not fit into memory"
        )
    return notes
