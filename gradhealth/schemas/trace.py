"""Traces: what one training run showed, as numbers over steps and layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..documents.base import Document, Record

IntArray = NDArray[np.int64]
# Masked where nothing was logged; NaN and infinities are measured values.
Series = np.ma.MaskedArray[Any, np.dtype[np.float64]]


class TracedLayer(Record):
    """One layer of a trace, in the order of depth when the context says so."""

    path: str
    type: str = ""


class LayerDocument(Document):
    """One layer as others name it."""

    path: Annotated[str, Field(min_length=1, max_length=500)]
    type: Annotated[str, Field(max_length=200)] = ""


class NonFinite(Record):
    """Where NaN or an infinity was first seen."""

    step: int
    where: Literal["data", "activation", "loss", "gradient", "weight"]
    layer: str | None = None


class Context(Record):
    """What is known about the run beside its series.

    Attributes:
        trivial_loss: Loss of the best constant predictor.
        loss_floor: The smallest loss that can be reached, where it is known.
        input_rms: Root mean square of the inputs.
        neighbour_progress: How far nearest neighbours get from the best constant
            predictor (0) to all targets right (1); about 0 for random targets.
        lag: Steps back in time that the task needs, where it is known.
        clip_measured: Whether gradient norms were taken before or after clipping.
        hides: What the source of the log cannot show.
        notes: What was chosen or repaired while the log was read.
    """

    source_format: str = "probe"
    layer_order: Literal["given", "name", "file", "unknown"] = "given"
    trivial_loss: float | None = None
    loss_floor: float | None = None
    input_rms: float | None = None
    neighbour_progress: float | None = None
    batch_size: int | None = None
    seed: int | None = None
    lag: int | None = None
    clip_max_norm: float | None = None
    clip_measured: Literal["pre", "post"] | None = None
    non_finite: NonFinite | None = None
    hides: list[str] = []
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class Trace:
    """One run (one seed): statistics by step, and by step and layer.

    Row t is the state before update t; the last row of a probed run is the state
    after the last update.

    Attributes:
        steps: [T] step numbers, ascending.
        series: Name to [T]: loss, grad_norm, lr, clipped, ...
        layer_series: Name to [T, L]: backward_gain, forward_std, grad_norm,
            weight_norm, update_ratio, dead_fraction, active_fraction,
            saturated_fraction, ...
        lags: [K] distances in time, ascending; empty when nothing is recurrent.
        lag_series: Name to [K]: temporal_gain at the start, temporal_gain_end.
    """

    run: str
    layers: tuple[TracedLayer, ...] | None
    steps: IntArray
    series: Mapping[str, Series]
    layer_series: Mapping[str, Series]
    context: Context = field(default_factory=Context)
    lags: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    lag_series: Mapping[str, Series] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The trace as JSON values: null where masked, strings where not finite."""
        return {
            "trace_version": 1,
            "run": self.run,
            "layers": None
            if self.layers is None
            else [layer.model_dump() for layer in self.layers],
            "steps": self.steps.tolist(),
            "series": _encode(self.series),
            "layer_series": _encode(self.layer_series),
            "lags": self.lags.tolist(),
            "lag_series": _encode(self.lag_series),
            "context": self.context.model_dump(mode="json"),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Trace":
        """The inverse of `to_json`, for documents this program wrote."""
        layers = document["layers"]
        return cls(
            run=document["run"],
            layers=None
            if layers is None
            else tuple(TracedLayer(**layer) for layer in layers),
            steps=np.asarray(document["steps"], np.int64),
            series=_decode(document["series"]),
            layer_series=_decode(document["layer_series"]),
            context=Context(**document["context"]),
            lags=np.asarray(document["lags"], np.int64),
            lag_series=_decode(document["lag_series"]),
        )


def _encode(series: Mapping[str, Series]) -> dict[str, Any]:
    return {name: _encode_values(values.tolist()) for name, values in series.items()}


def _encode_values(value: Any) -> Any:
    if isinstance(value, list):
        return [_encode_values(item) for item in value]
    if value is None or np.isfinite(value):
        return value
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode(series: Mapping[str, Any]) -> dict[str, Series]:
    return {name: decode_values(values) for name, values in series.items()}


_IS_NONE = np.frompyfunc(lambda value: value is None, 1, 1)


def decode_values(values: Any) -> Series:
    """Nested lists of numbers, null and the strings of what is not finite."""
    # float() reads the strings of non-finite numbers; None becomes the mask.
    table = np.asarray(values, dtype=object)
    missing = _IS_NONE(table).astype(bool)
    numbers = np.where(missing, 0.0, table).astype(np.float64)
    return np.ma.masked_array(numbers, missing)
