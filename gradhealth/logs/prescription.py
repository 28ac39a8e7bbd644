"""Advice for what a log shows: the most promising changes, and how to tell.

A log has no spec to rewrite and nothing to train, so these are the changes of
`gradhealth/fixes` under the same names, none of them verified on the model.
"""

import math
from collections.abc import Sequence

import numpy as np

from ..schemas.finding import Finding
from ..schemas.fix import Fix
from .advice import numbers, steps, structure
from .advice.base import Advice
from .detectors.base import Run

ADVICE: tuple[Advice, ...] = (*structure.ADVICE, *steps.ADVICE, *numbers.ADVICE)
CAVEAT = "Not verified on your model."
MAX_ADVICE = 6
# Quantile of the finite norms that a limit is set to: an ordinary step's.
LIMIT_QUANTILE = 0.9
# What most people take where nothing was measured.
USUAL_NORM = 1.0
# Norms after clipping all lie at the limit, within 1 %: those before are unknown, and
# so many times the limit is tried.
AT_LIMIT, TRIED = math.log10(1.01), 10.0


def advise(run: Run, findings: Sequence[Finding]) -> list[Fix]:
    """Advice for what was found, for the primary problem first; at most six.

    Problems that merely follow from another are treated with it.
    """
    loud = [finding for finding in findings if finding.severity != "info"]
    fixes: dict[str, Fix] = {}
    for finding in loud or findings[:1]:
        for advice in ADVICE:
            if finding.consequence_of is None and _suits(advice, finding):
                fixes.setdefault(advice.name, _fix(advice, run, finding))
    return [*fixes.values()][:MAX_ADVICE]


def _suits(advice: Advice, finding: Finding) -> bool:
    shown = {evidence.statistic for evidence in finding.evidence}
    return (
        finding.problem in advice.treats
        and (not advice.causes or finding.cause.kind in advice.causes)
        and (not advice.shown_by or advice.shown_by in shown)
    )


def _fix(advice: Advice, run: Run, finding: Finding) -> Fix:
    words = _words(run, finding)
    experiment = advice.experiment.format(**words)
    return Fix(
        name=advice.name,
        title=advice.title.format(**words),
        why=f"{advice.why} {CAVEAT} The experiment that tells: {_lowered(experiment)}.",
        snippet=advice.snippet.replace("{limit}", words["limit"]),
    )


def _words(run: Run, finding: Finding) -> dict[str, str]:
    """What this run fills into a text."""
    rates = run.history.points("lr").only_finite().values
    rate = f" from {rates.max():.3g}" if len(rates) and rates.max() > 0 else ""
    return {
        "from_rate": rate,
        "limit": f"{_ordinary_norm(run, finding):.1g}",
        "step": str(finding.step or 0),
    }


def _ordinary_norm(run: Run, finding: Finding) -> float:
    """What nine of ten steps stay below, before the problem where it has a begin."""
    norms = run.norms
    values = norms.values[norms.startup :] if norms.is_enough else norms.values
    if finding.step is not None and norms.is_enough:
        before = norms.values[norms.startup :][
            norms.steps[norms.startup :] < finding.step
        ]
        values = before if len(before) else values
    if not len(values):
        return USUAL_NORM
    exponent = float(np.quantile(values, LIMIT_QUANTILE))
    norm = float(10.0 ** np.clip(exponent, -12.0, 12.0))
    is_cut = finding.problem == "clipping_always_on" and norms.scatter <= AT_LIMIT
    return TRIED * norm if is_cut else norm


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]
