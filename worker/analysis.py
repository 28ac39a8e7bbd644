"""One architecture analysis from spec to result, without torch and without database.

The measuring is done elsewhere, in units of work: what they reply is kept, so that
whoever takes an analysis over repeats none that is finished.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from gradhealth.architecture.initialisation import notes_on_rules
from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import Network, resolve
from gradhealth.borderline import more_seeds, straddles
from gradhealth.diagnosis import Diagnosis, confirm_rate, diagnose
from gradhealth.prescription import Pharmacy, facts_of, prescribe
from gradhealth.results import assemble
from gradhealth.schemas.analysis import (
    Durations,
    Environment,
    Options,
    Progress,
    Result,
)
from gradhealth.schemas.fix import Fix
from gradhealth.schemas.trace import Trace
from gradhealth.theory.gains import predict
from gradhealth.traces import pack_traces

from .ports import Report, RunUnit
from .proving.trials import Baseline, prove


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an analysis comes to.

    Attributes:
        traces: What was measured, as compressed JSON: a list of traces.
    """

    result: Result
    traces: bytes


@dataclass(frozen=True, slots=True)
class _Measured:
    """What the unit `measure` replied, once or several times."""

    traces: list[Trace]
    durations: dict[str, float]
    device: str
    versions: dict[str, str]

    @classmethod
    def of(cls, reply: dict[str, Any]) -> "_Measured":
        """From the unit's JSON."""
        traces = [Trace.from_json(trace) for trace in reply["traces"]]
        return cls(traces, reply["durations"], reply["device"], reply["versions"])

    def step_seconds(self, network: Network) -> float:
        """Seconds of one update, without the probe's own work."""
        parts = ("forward", "loss", "backward", "update")
        num_steps = network.spec.training.steps * len(self.traces)
        return sum(self.durations[part] for part in parts) / max(1, num_steps)

    def and_then(self, other: "_Measured") -> "_Measured":
        """Both, one after the other."""
        sums = {
            part: seconds + other.durations[part]
            for part, seconds in self.durations.items()
        }
        traces = [*self.traces, *other.traces]
        return _Measured(traces, sums, self.device, self.versions)


async def analyse(
    spec: dict[str, Any], options: Options, run_unit: RunUnit, report: Report
) -> Outcome:
    """Measures, diagnoses, and proves fixes.

    Args:
        spec: The architecture spec as sent; it was checked before.
        options: How much work may be done.
        run_unit: Carries out `(key, unit, arguments)` and returns its reply.
        report: Told how far the analysis is and what it has found.
    """
    began = perf_counter()
    network = resolve(spec, UNLIMITED)
    await report(Progress(phase="training"))
    measured = await _measure(spec, network, options, run_unit)
    traces = measured.traces
    diagnosis = diagnose(traces, network, options.thresholds)
    for finding in diagnosis.findings:
        await report(finding)
    trials_began = perf_counter()
    facts = facts_of(traces, measured.step_seconds(network))
    fixes = await prove(
        prescribe(spec, network, diagnosis.findings, options.fixes, facts),
        spec,
        # Seeds that only settle the diagnosis would make every trial dearer.
        Baseline.of(traces[: len(network.spec.probe.seeds)]),
        Pharmacy(diagnosis.findings, facts),
        options,
        run_unit,
        report,
    )
    diagnosis = _confirmed(diagnosis, network, fixes)
    ended = perf_counter()
    durations = Durations(
        **measured.durations, trials=ended - trials_began, total=ended - began
    )
    result = assemble(
        diagnosis,
        traces,
        theory=predict(network),
        fixes=fixes,
        notes=[*_notes(network), *_notes_on_seeds(traces, network, options)],
        environment=Environment(
            versions=measured.versions,
            device=measured.device,
            seeds=[trace.context.seed or 0 for trace in traces],
            durations=durations,
        ),
    )
    return Outcome(result, pack_traces(traces))


async def _measure(
    spec: dict[str, Any], network: Network, options: Options, run_unit: RunUnit
) -> "_Measured":
    """Trains on the seeds of the spec, and on more where they do not settle it."""
    reply = await run_unit("measure", "measure", {"spec": spec})
    measured = _Measured.of(reply)
    while seeds := more_seeds(measured.traces, network, options.thresholds):
        arguments = {"spec": spec, "seeds": seeds}
        reply = await run_unit(f"measure-{seeds[0]}", "measure", arguments)
        measured = measured.and_then(_Measured.of(reply))
    return measured


def _confirmed(
    diagnosis: Diagnosis, network: Network, fixes: Sequence[Fix]
) -> Diagnosis:
    """The diagnosis, with what another learning rate alone showed about it."""
    for fix in fixes:
        trial = fix.trial
        if not (trial and trial.verified and trial.after and trial.after.progress):
            continue
        if lr_multiplier := _rate_alone(network, fix):
            return confirm_rate(
                diagnosis, lr_multiplier=lr_multiplier, progress=trial.after.progress
            )
    return diagnosis


def _rate_alone(network: Network, fix: Fix) -> float | None:
    """Factor on the learning rate; null where something else was changed too."""
    own = network.spec.training.optimizer.lr
    if fix.spec is None or not own:
        return None
    changed = resolve(fix.spec, UNLIMITED).spec
    rate = changed.training.optimizer.lr
    optimizer = changed.training.optimizer.model_copy(update={"lr": own})
    training = changed.training.model_copy(update={"optimizer": optimizer})
    is_alone = changed.model_copy(update={"training": training}) == network.spec
    return rate / own if is_alone else None


def _notes_on_seeds(
    traces: list[Trace], network: Network, options: Options
) -> list[str]:
    num_asked, notes = len(network.spec.probe.seeds), []
    if len(traces) > num_asked:
        notes.append(
            f"{len(traces) - num_asked} more seeds were measured: {num_asked} did not "
            "settle a decision, or the network is narrow for its depth"
        )
    open_ones = straddles(traces, network, options.thresholds)
    notes += [f"borderline: {straddle.text}" for straddle in open_ones]
    return notes


def _notes(network: Network) -> list[str]:
    notes = notes_on_rules(network.spec.init, list(network.walk()))
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
