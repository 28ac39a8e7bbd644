"""Signs: what an engineer sees in a training run, each with its number."""

from typing import Literal

from ..documents.base import Record

SignName = Literal[
    "change_by_depth",
    "shrinking_weights",
    "early_plateau",
    "memory_horizon",
    "broken_chain",
    "dead_units",
    "saturated_units",
    "first_non_finite",
    "loss_minimum",
    "loss_plateau",
    "loss_rise",
    "loss_zero",
    "norm_growth",
    "norm_peak",
    "norm_spike",
    "scale_drop",
    "rate_peak",
]


class Sign(Record):
    """One statement about the run; it says what is, not whether it harms.

    Attributes:
        value: The number of the statement, mean over the seeds.
        layers: The layers it speaks of.
        step: The step it happened at, where it has one.
    """

    name: SignName
    text: str
    value: float
    unit: str
    layers: list[str] = []
    step: int | None = None
