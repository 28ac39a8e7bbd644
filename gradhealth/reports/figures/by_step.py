"""Statistics over the steps of the training, or over steps back in time."""

import math
from collections.abc import Iterator, Sequence

from ...schemas.analysis import Result
from ...schemas.fix import Fix
from .by_layer import GAIN_LEVELS
from .chart import Chart
from .marks import Level, Line, Point
from .points import number, points_of

# A diverged loss is larger than that of a fix by more.
WIDE = 1e3


def temporal_gain(result: Result) -> Chart | None:
    """How far back in time a recurrent network's gradient reaches."""
    names = (
        ("temporal_gain", "start", "measured"),
        ("temporal_gain_end", "end", "later"),
    )
    lines = [
        Line(f"at the {moment}", style, points_of(result.curves[name], "ratio"))
        for name, moment, style in names
        if name in result.curves
    ]
    if not lines:
        return None
    factor = result.theory and result.theory.temporal_factor
    if factor:
        places = [point.x for point in lines[0].points]
        points = [Point(lag, factor**lag) for lag in places]
        lines.insert(0, Line("theory", "theory", points))
    return Chart(
        title="Temporal gain by lag",
        description="How much of the gradient at the last time step reaches earlier "
        "ones: the memory of a recurrent network.",
        x_label="steps back in time",
        y_label="temporal gain",
        lines=lines,
        levels=GAIN_LEVELS,
        is_log=True,
    )


def loss(result: Result) -> Chart | None:
    """The loss beside that of a predictor that looks at no input."""
    if "loss" not in result.curves:
        return None
    lines = [Line("loss", "measured", points_of(result.curves["loss"]))]
    trivial = result.curves.get("trivial_loss")
    levels = [Level("best constant", number(trivial.mean[0]))] if trivial else []
    return Chart(
        title="Loss",
        description=" ".join(_about_loss(result, has_level=bool(levels))),
        x_label="step",
        y_label="loss",
        lines=lines,
        levels=levels,
        is_log=_is_wide(lines),
    )


def gradient_norm(result: Result) -> Chart | None:
    """The norm of all gradients, where it is not known layer by layer."""
    if "grad_norm" not in result.curves or "grad_norm" in result.layer_curves:
        return None
    return Chart(
        title="Gradient norm",
        description="Of all layers together, at each step. Spikes that come back are "
        "single batches; a climb that lasts is not.",
        x_label="step",
        y_label="gradient norm",
        lines=[
            Line("norm", "measured", points_of(result.curves["grad_norm"], "ratio"))
        ],
        is_log=True,
    )


def _about_loss(result: Result, *, has_level: bool) -> Iterator[str]:
    yield "Mean over the seeds." if result.environment.seeds else "As it was logged."
    if has_level:
        yield (
            "A network that does not learn stays at the loss of the best constant "
            "predictor."
        )


def trial_figure(fix: Fix) -> Chart | None:
    """The loss without and with a fix; nothing when it was not trained to the end."""
    trial = fix.trial
    if trial is None or trial.before is None or trial.after is None:
        return None
    pairs = (("without", "before", trial.before), ("with", "after", trial.after))
    lines = [
        Line(f"{word} the fix", style, points_of(measured.loss))
        for word, style, measured in pairs
        if measured.loss
    ]
    if not lines:
        return None
    return Chart(
        title="Loss without and with the fix",
        description=f"{fix.title}: each at its own best learning rate, with the same "
        "seeds and batches.",
        x_label="step",
        y_label="loss",
        lines=lines,
        is_log=_is_wide(lines),
    )


def _is_wide(lines: Sequence[Line]) -> bool:
    """Whether some losses would hide the others on a linear axis."""
    known = [p.y for line in lines for p in line.points if math.isfinite(p.y)]
    return bool(known) and min(known) > 0 and max(known) > WIDE * min(known)
