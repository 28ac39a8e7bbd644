"""The few numbers a reader wants first, each with what it is held against."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..schemas.analysis import Result
from ..schemas.fix import Fix

# Steps at the end whose mean is the final loss.
NUM_LAST = 10


@dataclass(frozen=True, slots=True)
class Fact:
    """A number with its name.

    Attributes:
        value: null where it was measured and is not finite.
        note: What it is held against, or belongs to.
        reference: The number that stands behind `note`.
        is_gain: Whether it is a difference in progress.
    """

    label: str
    value: float | None
    note: str = ""
    reference: float | None = None
    is_gain: bool = False


def facts_of(result: Result) -> list[Fact]:
    """Gain, memory, loss and the best fix, as far as they were measured."""
    return [
        *_backward_gain(result),
        *_temporal_gain(result),
        *_loss(result),
        *_best_fix(result.fixes),
    ]


def _backward_gain(result: Result) -> Iterator[Fact]:
    starts = [
        layer.backward_gain.start.mean
        for layer in result.layers
        if layer.backward_gain and layer.backward_gain.start
    ]
    predicted = result.theory.backward_gain if result.theory else None
    if starts:
        note = "" if predicted is None else "theory says"
        yield Fact("Backward gain, first layer", starts[0], note, predicted)
    elif predicted is not None:
        yield Fact("Backward gain, first layer", predicted, "by theory alone")


def _temporal_gain(result: Result) -> Iterator[Fact]:
    curve = result.curves.get("temporal_gain")
    if curve and curve.steps:
        note = f"of the gradient {curve.steps[-1]} steps back in time"
        yield Fact("Temporal gain", curve.mean[-1], note)


def _loss(result: Result) -> Iterator[Fact]:
    curve, trivial = result.curves.get("loss"), result.curves.get("trivial_loss")
    if curve is None or not curve.mean:
        return
    last = [math.nan if v is None else v for v in curve.mean[-NUM_LAST:]]
    constant = trivial.mean[0] if trivial else None
    note = "" if constant is None else "best constant"
    yield Fact("Loss at the end", sum(last) / len(last), note, constant)


def _best_fix(fixes: Sequence[Fix]) -> Iterator[Fact]:
    proved = [fix for fix in fixes if fix.trial and fix.trial.verified]
    if not proved:
        return
    fix, trial = proved[0], proved[0].trial
    if trial and trial.gain is not None:
        yield Fact("Progress by the best fix", trial.gain, fix.title, is_gain=True)
    elif trial and trial.after:
        yield Fact("Progress with the best fix", trial.after.progress, fix.title)
