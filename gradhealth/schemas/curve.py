"""Series of a result, thinned for pictures."""

from ..documents.base import Record


class Curve(Record):
    """A series over training steps (over lags for `temporal_gain`)."""

    steps: list[int]
    mean: list[float | None]
    spread: list[float | None]


class LayerCurve(Record):
    """A statistic of every layer over training steps, averaged over the seeds.

    Attributes:
        steps: [T] step numbers.
        layers: [L] paths of the layers, by depth.
        mean: [T][L] null where nothing was measured.
    """

    steps: list[int]
    layers: list[str]
    mean: list[list[float | None]]
