"""Fixes: a rewritten spec, and the trial that shows whether it helps."""

from typing import Any

from ..documents.base import Record
from .curve import Curve


class Measurement(Record):
    """What one spec, trained at one learning rate, reached (mean over the seeds)."""

    progress: float | None = None
    loss_last: float | None = None
    backward_gain: float | None = None
    loss: Curve | None = None


class ScreenedOut(Record):
    """Why a candidate was not trained to the end, and the number that says so."""

    why: str
    statistic: str
    value: float
    threshold: float | None = None


class Trial(Record):
    """A fix measured beside the unfixed spec at its own best learning rate.

    Attributes:
        verified: The harm is gone and progress beats the retuned baseline by more
            than the spread over the seeds.
        screened_out: Set when a cheap measurement already ruled the fix out.
        lr_multiplier: Factor on the spec's learning rate that served the fix best.
        before: The unfixed spec at its best rate of the same sweep.
        gain: after.progress - before.progress.
    """

    verified: bool
    screened_out: ScreenedOut | None = None
    seeds: list[int] = []
    lr_multiplier: float | None = None
    before: Measurement | None = None
    after: Measurement | None = None
    gain: float | None = None


class Fix(Record):
    """A change to the spec that was recommended, or tried and refuted.

    Attributes:
        name: Stable name of the fix, e.g. `replace_activation_relu`.
        spec: The whole spec with the fix applied (null for advice without a spec).
        patch: RFC 6902 operations that turn the spec as sent into `spec`.
        snippet: The same change in torch, to paste.
        trial: null until it was tried.
    """

    name: str
    title: str
    why: str
    spec: dict[str, Any] | None = None
    patch: list[dict[str, Any]] = []
    snippet: str = ""
    trial: Trial | None = None
