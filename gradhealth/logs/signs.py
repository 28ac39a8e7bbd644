"""What happened in a run, in the order in which it happened.

Signs say what is, not whether it harms: "the loss is lowest at step 300" stands in the
answer about a healthy run as well.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..schemas.sign import Sign
from .detectors.base import Run
from .detectors.gradient_spikes import GradientSpikes

# A share of the run that makes an event one at its end.
LAST_SHARE = 0.97
# What is less than this is no growth worth telling, in decades.
TOLD_DECADES = 0.5
# A loss scale that fell so many times has been lowered, not just tried.
SCALE_FACTOR = 4.0


def events_of(run: Run) -> list[Sign]:
    """Every event, the earliest first; those without a step at the end."""
    found = [sign for read in _READERS for sign in read(run)]
    return sorted(found, key=lambda sign: (sign.step is None, sign.step or 0))


def _rate(run: Run) -> Iterator[Sign]:
    rates = run.history.points("lr").only_finite()
    if not len(rates.values) or rates.values.max() <= rates.values[0]:
        return
    step = int(rates.steps[rates.values.argmax()])
    yield Sign(
        name="rate_peak",
        text=f"The learning rate is highest at step {step}: {rates.values.max():.3g}.",
        value=float(rates.values.max()),
        unit="learning rate",
        step=step,
    )


def _norm(run: Run) -> Iterator[Sign]:
    norms = run.norms
    if not norms.is_enough:
        return
    is_startup = norms.peak_step < norms.steps[norms.startup]
    if is_startup and norms.peak - norms.level > TOLD_DECADES:
        yield Sign(
            name="norm_peak",
            text=f"The norm starts at {10.0**norms.peak:.3g} and settles near "
            f"{10.0**norms.level:.3g}: the start-up of a run.",
            value=10.0**norms.peak,
            unit="gradient norm",
            step=norms.peak_step,
        )
    if norms.growth > TOLD_DECADES and norms.growth > 2 * norms.noise:
        yield Sign(
            name="norm_growth",
            text=f"From step {norms.growth_step} on the norm grows "
            f"{10.0**norms.growth:.2g} times, to {10.0**norms.end:.3g}.",
            value=10.0**norms.growth,
            unit="norm at the end / lowest",
            step=norms.growth_step,
        )
    rule = GradientSpikes()
    spikes = norms.spikes(rule.height.value, rule.deviations.value)
    if spikes:
        largest = max(spikes, key=lambda spike: spike.decades)
        yield Sign(
            name="norm_spike",
            text=f"The largest of {len(spikes)} spikes of the norm is at step "
            f"{largest.step}: {10.0**largest.decades:.2g} times those around it.",
            value=10.0**largest.decades,
            unit="norm / norms around",
            step=largest.step,
        )


def _loss(run: Run) -> Iterator[Sign]:
    loss = run.loss
    if not loss.is_enough:
        return
    is_last = loss.best_step >= LAST_SHARE * run.history.last_step
    if loss.fell and not is_last:
        yield Sign(
            name="loss_minimum",
            text=f"The loss is lowest around step {loss.best_step}: {loss.best:.4g}.",
            value=loss.best,
            unit="loss",
            step=loss.best_step,
        )
    if loss.plateau_step is not None and not loss.diverged:
        yield Sign(
            name="loss_plateau",
            text=f"At step {loss.plateau_step} the loss is as low as at the end "
            f"({loss.end:.4g}).",
            value=loss.end,
            unit="loss",
            step=loss.plateau_step,
        )
    if loss.diverged:
        yield Sign(
            name="loss_rise",
            text=f"From step {loss.rise_step} on the loss rises, from {loss.best:.4g} "
            f"to {loss.end:.4g}.",
            value=loss.end,
            unit="loss",
            step=loss.rise_step,
        )
    if loss.is_frozen and loss.end == 0 and loss.start != 0:
        first = int(loss.points.steps[np.flatnonzero(loss.values)[-1] + 1])
        yield Sign(
            name="loss_zero",
            text=f"From step {first} on the loss is exactly 0.",
            value=0.0,
            unit="loss",
            step=first,
        )


def _non_finite(run: Run) -> Iterator[Sign]:
    for points, what in ((run.norms.points, "gradient"), (run.loss.points, "loss")):
        broken = np.flatnonzero(points.broken)
        if not len(broken):
            continue
        share = points.broken.sum() / (points.broken + points.counts).sum()
        step = int(points.steps[broken[0]])
        yield Sign(
            name="first_non_finite",
            text=f"NaN or an infinity first appears in the {what} at step {step}; "
            f"{share:.2g} of its values are not finite.",
            value=float(share),
            unit="share of the values",
            step=step,
        )


def _scale(run: Run) -> Iterator[Sign]:
    scales = run.history.points("loss_scale").only_finite()
    if len(scales.values) < 2:  # noqa: PLR2004 -- a change is between two
        return
    drop = float(scales.values.max() - scales.values[-1])
    if drop < np.log10(SCALE_FACTOR):
        return
    falls = np.flatnonzero(np.diff(scales.values) < 0)
    step = int(scales.steps[falls[0] + 1])
    yield Sign(
        name="scale_drop",
        text=f"The loss scale is lowered {10.0**drop:.3g} times, first at step {step}.",
        value=10.0**drop,
        unit="largest / last loss scale",
        step=step,
    )


_READERS: Sequence[Callable[[Run], Iterator[Sign]]] = (
    _rate,
    _norm,
    _loss,
    _non_finite,
    _scale,
)
