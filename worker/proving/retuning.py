"""The unfixed spec at its best learning rate: what every fix has to beat."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.fixes.base import Candidate
from gradhealth.prescription import RATE_FIX
from gradhealth.schemas.fix import Fix
from gradhealth.schemas.trace import Trace
from gradhealth.statistics import Statistics

from ..measuring.thinning import thinned
from ..together import together
from .contenders import (
    HARM_PROGRESS,
    MIN_GAIN,
    Contender,
    Outcome,
    Run,
    judged,
    with_rate,
)
from .trial_runner import TrialRunner

UNFIXED = "unfixed"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the diagnosis measured of the unfixed spec, one run a seed.

    Attributes:
        log10_gain: log10 of the first station's backward gain at the start.
    """

    seeds: tuple[int, ...]
    runs: tuple[Run, ...]
    log10_gain: tuple[float | None, ...]

    @classmethod
    def of(cls, traces: Sequence[Trace]) -> Self:
        """From the traces of the diagnosis."""
        statistics = Statistics(tuple(traces))
        gains = statistics.log10_gain
        return cls(
            seeds=tuple(trace.context.seed or 0 for trace in traces),
            runs=tuple(
                map(
                    Run,
                    _nulls(statistics.progress),
                    _nulls(statistics.loss_last),
                    [tuple(thinned(_losses(trace))) for trace in traces],
                )
            ),
            log10_gain=tuple(_nulls(gains[:, 0] if gains.shape[1] else [])),
        )

    def outcome(self) -> Outcome:
        """The unfixed spec at the learning rate as sent."""
        return Outcome(1.0, self.seeds, self.runs, self.log10_gain)


def _losses(trace: Trace) -> list[float]:
    series = trace.series["loss"]
    losses: list[float] = series.data[~np.ma.getmaskarray(series)].tolist()
    return losses


def _nulls(values: Iterable[float]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


async def retune(
    baseline: Baseline, document: dict[str, Any], runner: TrialRunner
) -> Outcome:
    """The unfixed spec at its best learning rate of the sweep.

    Seeds but the first are trained only where another rate takes the harm away.
    """
    steps = resolve(document, UNLIMITED).spec.training.steps
    first, *others = baseline.seeds
    runs = await runner.sweep(
        UNFIXED, document, seed=first, steps=steps, known={1.0: baseline.runs[0]}
    )
    best = max(runs, key=lambda multiplier: runs[multiplier].score)
    if runs[best].score <= runs[1.0].score + MIN_GAIN:
        return baseline.outcome()  # hardly better, and known for all seeds
    found = [runs[best]]
    if found[0].score >= HARM_PROGRESS:
        found += await together(
            *(
                runner.train(UNFIXED, document, seed=seed, multiplier=best, steps=steps)
                for seed in others
            )
        )
    seeds = baseline.seeds[: len(found)]
    return Outcome(best, seeds, tuple(found), baseline.log10_gain)


def rate_fix(
    as_sent: Outcome, retuned: Outcome, document: dict[str, Any], problem: str
) -> Fix:
    """The retuned learning rate as a fix of its own.

    Args:
        as_sent: What the spec reached.
        retuned: What it reached at its best learning rate.
        document: The spec as sent.
        problem: The problem that it cures.
    """
    optimizer = resolve(document, UNLIMITED).spec.training.optimizer
    _, rate = with_rate(document, retuned.lr_multiplier)
    candidate = Candidate(
        name=RATE_FIX,
        fix=RATE_FIX,
        problem=problem,
        kind="learning_rate",
        title=f"Change the learning rate from {optimizer.lr:g} to {rate:g}",
        why="The network learns as it is, at another learning rate.",
        spec=document,
        snippet=f"torch.optim.{optimizer.type}(model.parameters(), lr={rate:g})",
        size=1,
    )
    contender = Contender(candidate, document, outcome=retuned)
    return judged(contender, document, as_sent, list(retuned.seeds))
