"""Candidates on trial: what their runs reached, and the verdict on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.documents.patch import diff
from gradhealth.fixes.base import Candidate
from gradhealth.rewriting.edits import with_optimizer
from gradhealth.schemas.curve import Curve
from gradhealth.schemas.fix import Fix, Measurement, ScreenedOut, Trial

# Below this progress a network has not learned: the harm is still there.
HARM_PROGRESS = 0.5
# A smaller gain in progress is no improvement, whatever the spread.
MIN_GAIN = 0.05
# Short runs differ by this much by chance. A larger rate is preferred then: what has
# not begun to learn needs longer steps more often than shorter ones.
NOISE = 0.05
PREFERENCE = (1.0, 3.0, 0.3, 0.1)


@dataclass(frozen=True, slots=True)
class Run:
    """What one training reached; null where it is not finite.

    Attributes:
        losses: Step and loss of a few steps, for the picture.
    """

    progress: float | None
    loss_last: float | None
    losses: tuple[tuple[int, float | None], ...] = ()

    @property
    def score(self) -> float:
        """Progress, with what is not finite below everything."""
        return -math.inf if self.progress is None else self.progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a spec reached at one learning rate, one run a seed.

    Attributes:
        lr_multiplier: Factor on the spec's learning rate.
        seeds: The seeds of the runs.
        log10_gain: log10 of the backward gain at the start; null where unknown.
    """

    lr_multiplier: float
    seeds: tuple[int, ...]
    runs: tuple[Run, ...]
    log10_gain: tuple[float | None, ...]

    @property
    def progress(self) -> float | None:
        """Mean over the seeds; null when one of them is not finite."""
        return _mean([run.progress for run in self.runs])

    @property
    def score(self) -> float:
        """Progress, with what is not finite below everything."""
        return -math.inf if self.progress is None else self.progress

    @property
    def spread(self) -> float:
        """Standard deviation of the progress; 0 with a single seed."""
        known = [run.progress for run in self.runs if run.progress is not None]
        return stdev(known) if len(known) > 1 else 0.0

    @property
    def is_harmless(self) -> bool:
        """Whether every seed learned, or the mean did beyond its spread."""
        if self.progress is None:
            return False
        worst = min(run.score for run in self.runs)
        return max(worst, self.progress - self.spread) >= HARM_PROGRESS

    def measurement(self) -> Measurement:
        """The means over the seeds."""
        log10_gain = _mean(self.log10_gain)
        return Measurement(
            progress=self.progress,
            loss_last=_mean([run.loss_last for run in self.runs]),
            backward_gain=None if log10_gain is None else 10.0**log10_gain,
            loss=_curve([run.losses for run in self.runs]),
        )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _curve(runs: Sequence[Sequence[tuple[int, float | None]]]) -> Curve | None:
    """Mean and spread over the seeds, as far as all of them are finite."""
    steps: list[int] = []
    means: list[float | None] = []
    spreads: list[float | None] = []
    for points in zip(*runs, strict=False):
        values = [value for _, value in points if value is not None]
        if len(values) < len(points):
            break
        steps.append(points[0][0])
        means.append(fmean(values))
        spreads.append(stdev(values) if len(values) > 1 else None)
    return Curve(steps=steps, mean=means, spread=spreads) if steps else None


@dataclass(slots=True, eq=False)
class Contender:
    """A candidate and what is known of it so far.

    Attributes:
        spec: The candidate's spec.
        log10_gain: log10 of the backward gain at the start, one a seed.
        screened_out: Set once it is out of the race.
        runs: The longest run of the first seed at each learning rate.
        num_steps: How long those are that went furthest.
        outcome: What the whole training reached.
    """

    candidate: Candidate
    spec: dict[str, Any]
    log10_gain: tuple[float | None, ...] = ()
    screened_out: ScreenedOut | None = None
    runs: dict[float, Run] = field(default_factory=dict)
    num_steps: int = 0
    outcome: Outcome | None = None

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.candidate.name

    @property
    def kind(self) -> str:
        """What the candidate changes."""
        return self.candidate.kind

    @property
    def removes_cause(self) -> bool:
        """Whether the candidate removes what was found to be the cause."""
        return self.candidate.removes_cause

    def multipliers(self) -> list[float]:
        """The learning rates tried, the best first; nearly equal ones as preferred."""
        ranked = sorted(self.runs, key=lambda m: self.runs[m].score, reverse=True)
        equal = [m for m in ranked if self.runs[m].score >= self.score - NOISE]
        return sorted(equal, key=PREFERENCE.index) + ranked[len(equal) :]

    @property
    def score(self) -> float:
        """Progress at the best learning rate so far."""
        return max((run.score for run in self.runs.values()), default=-math.inf)

    def drop(self, why: str, threshold: float | None) -> None:
        """Takes it out of the race for what its short runs reached."""
        score = self.score if math.isfinite(self.score) else math.nan
        self.screened_out = ScreenedOut(
            why=f"after {self.num_steps} steps at its best learning rate, {why}",
            statistic="progress",
            value=score,
            threshold=threshold,
        )


def is_verified(before: Outcome, after: Outcome) -> bool:
    """Whether the harm is gone and the gain is more than chance."""
    if not after.is_harmless or after.progress is None:
        return False
    margin = max(MIN_GAIN, before.spread, after.spread)
    return before.progress is None or after.progress - before.progress > margin


def trial_of(before: Outcome, after: Outcome) -> Trial:
    """The two outcomes beside each other."""
    gain = None
    if before.progress is not None and after.progress is not None:
        gain = after.progress - before.progress
    return Trial(
        verified=is_verified(before, after),
        seeds=list(after.seeds),
        lr_multiplier=after.lr_multiplier,
        before=before.measurement(),
        after=after.measurement(),
        gain=gain,
    )


def untried(candidate: Candidate, document: dict[str, Any]) -> Fix:
    """The candidate as advice."""
    return _fix(candidate, document, candidate.spec, candidate.why, None)


def judged(
    contender: Contender, document: dict[str, Any], before: Outcome, seeds: list[int]
) -> Fix:
    """The fix with its trial; advice when its turn never came.

    Args:
        contender: The candidate with its runs.
        document: The spec as sent.
        before: What the unfixed spec reaches at its best learning rate.
        seeds: The seeds of the analysis.
    """
    candidate, after = contender.candidate, contender.outcome
    if after is not None:
        spec, why = contender.spec, candidate.why
        trial = trial_of(before, after)
        if trial.verified and after.lr_multiplier != 1:
            spec, lr = with_rate(spec, after.lr_multiplier)
            why += (
                f" Proved with the learning rate {lr:g}, {after.lr_multiplier:g} times "
                "the one before, which is part of the fix."
            )
        return _fix(candidate, document, spec, why, trial)
    if contender.screened_out is None:
        return untried(candidate, document)
    trial = Trial(
        verified=False,
        screened_out=contender.screened_out,
        seeds=seeds[:1] if contender.runs else seeds,
        lr_multiplier=next(iter(contender.multipliers()), None),
        before=before.measurement(),
    )
    return _fix(candidate, document, contender.spec, candidate.why, trial)


def with_rate(spec: dict[str, Any], multiplier: float) -> tuple[dict[str, Any], float]:
    """The spec with its learning rate multiplied, and that rate."""
    network = resolve(spec, UNLIMITED)
    rate = float(f"{network.spec.training.optimizer.lr * multiplier:.6g}")
    return with_optimizer(spec, network, lr=rate), rate


def _fix(
    candidate: Candidate,
    document: dict[str, Any],
    spec: dict[str, Any] | None,
    why: str,
    trial: Trial | None,
) -> Fix:
    return Fix(
        name=candidate.name,
        title=candidate.title,
        why=why,
        spec=spec,
        patch=[] if spec is None else diff(document, spec),
        snippet=candidate.snippet,
        trial=trial,
    )
