"""What the network's output is compared with: the task made whole, and the loss."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..documents.arrays import MAX_BYTES, decode_npy
from ..exceptions import InvalidDocumentError, Problem
from ..layers.base import Shape, Signal
from ..schemas.data import (
    MAX_CLASSES,
    MAX_VOCABULARY,
    Adding,
    Classification,
    Clusters,
    Data,
    Digits,
    Images,
    Inline,
    LanguageModel,
    MarkovLm,
    Recall,
    Reconstruction,
    Regression,
    RegressionData,
)
from ..schemas.spec import Spec
from ..schemas.training import Loss

CLASS_LOSSES = (
    "cross_entropy",
    "nll_of_softmax",
    "mse_onehot",
    "bce",
    "bce_with_logits",
)
TOKEN_LOSSES = ("cross_entropy", "nll_of_softmax")
VALUE_LOSSES = ("mse", "mae", "huber")


@dataclass(frozen=True, slots=True)
class Goal:
    """The task and the loss of a network.

    Attributes:
        data: The task with everything filled in that follows from the shapes.
        kind: `classes` (one class a sample), `tokens` (one class a position) or
            `values`.
        num_classes: Number of classes or different tokens; 0 for values.
        dims: Shape of one sample's target.
        loss: The loss, "auto" resolved.
    """

    data: Data
    kind: Literal["classes", "tokens", "values"]
    num_classes: int
    dims: Shape
    loss: Loss


def input_of(spec: Spec, pointer: str) -> Signal:
    """The signal that enters: from `input`, or from `data` when it says it.

    Raises:
        InvalidDocumentError: Neither says it, or they disagree.
    """
    given = spec.input.signal() if spec.input else None
    known = _signal_of(spec.data, given, pointer) if spec.data else None
    if given is None and known is None:
        raise _invalid(pointer, 'needs "input", for example {"shape": [64]}, or "data"')
    if given and known and given != known:
        raise _invalid(
            f"{pointer}/input",
            f"input is {given}, but the data gives {known}: make them agree or leave "
            "input out",
        )
    signal = given or known
    assert signal is not None
    return signal


def goal_of(spec: Spec, signal: Signal, output: Signal, pointer: str) -> Goal:
    """The task and the loss, checked against the network's output.

    Raises:
        InvalidDocumentError: The output, the task and the loss do not fit.
    """
    data = _filled(spec.data or _default_data(signal, output, pointer), pointer)
    kind, num_classes, dims = _target(data, signal, pointer)
    loss = _loss(spec, kind, pointer)
    _check_output(output, kind, num_classes, dims, loss, pointer)
    return Goal(data, kind, num_classes, dims, loss)


def needed_lag(goal: Goal) -> int | None:
    """Steps back in time that the task needs; null when it is not about time."""
    match goal.data:
        case Recall(lag=lag):
            return lag
        case Adding(length=length):
            return length // 2 + 1  # the first mark is in the first half
    return None


def _invalid(pointer: str, message: str) -> InvalidDocumentError:
    return InvalidDocumentError([Problem(pointer, message)])


def _signal_of(data: Data, given: Signal | None, pointer: str) -> Signal | None:
    if isinstance(data, Digits):
        shapes = [Signal((64,)), Signal((1, 8, 8))]
        if given is not None and given not in shapes:
            raise _invalid(
                f"{pointer}/input", f"digits are [64] or [1, 8, 8], not {given}"
            )
        return given or shapes[0]
    if isinstance(data, Inline):
        return _inline_signal(data, given, pointer)
    return data.signal()


def _inline_signal(data: Inline, given: Signal | None, pointer: str) -> Signal:
    arrays = {}
    for key in ("x", "y"):
        try:
            arrays[key] = decode_npy(getattr(data, key).npy)
        except ValueError as error:
            raise _invalid(f"{pointer}/data/{key}/npy", str(error)) from None
    x, y = arrays["x"], arrays["y"]
    if x.nbytes + y.nbytes > MAX_BYTES:
        raise _invalid(
            f"{pointer}/data", "x and y have more than 8 MiB together: send fewer"
        )
    if x.ndim < 2 or len(x) < 2 or not x.size:  # noqa: PLR2004 -- samples x features
        raise _invalid(
            f"{pointer}/data/x/npy",
            f"x has the shape {list(x.shape)}: it needs a sample axis with at least 2 "
            "samples, then the axes of one sample",
        )
    if y.ndim < 1 or len(y) != len(x):
        raise _invalid(
            f"{pointer}/data/y/npy",
            f"y has the shape {list(y.shape)}, but x has {len(x)} samples: give one "
            "target a sample",
        )
    if not isinstance(data, LanguageModel):
        return Signal(x.shape[1:])
    return _token_signal(x, y, given, pointer)


def _token_signal(
    x: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
    y: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
    given: Signal | None,
    pointer: str,
) -> Signal:
    if x.dtype != np.int64 or y.dtype != np.int64 or x.shape != y.shape or x.ndim != 2:  # noqa: PLR2004 -- samples x length
        raise _invalid(
            f"{pointer}/data",
            "language_model needs x and y as int64 tokens of the same shape "
            "[n, length]",
        )
    lowest, highest = int(min(x.min(), y.min())), int(max(x.max(), y.max()))
    vocab_size = given.vocab_size if given and given.vocab_size else highest + 1
    if lowest < 0 or highest >= vocab_size:
        raise _invalid(
            f"{pointer}/data",
            f"tokens go from {lowest} to {highest}: they must be 0 to "
            f"{vocab_size - 1}, or raise input.vocab_size",
        )
    return Signal((x.shape[1],), vocab_size)


def _default_data(signal: Signal, output: Signal, pointer: str) -> Data:
    if signal.vocab_size is not None:
        return _default_tokens(signal.vocab_size, signal.dims[0], pointer)
    classes = output.dims[-1]
    if len(output.dims) == 1 and 1 < classes <= MAX_CLASSES:
        match signal.dims:
            case (features,):
                return Clusters(features=features, classes=classes)
            case (length, features) if classes <= features:
                return Recall(length=length, features=features, classes=classes)
            case (channels, height, width) if (
                height == width and classes <= MAX_CLASSES
            ):
                return Images(channels=channels, size=height, classes=classes)
    raise _invalid(
        pointer,
        f"no built-in task follows from the input {signal} and the output {output}: "
        'write "data"',
    )


def _default_tokens(vocab_size: int, length: int, pointer: str) -> Data:
    if not 2 <= vocab_size <= MAX_VOCABULARY:  # noqa: PLR2004 -- something to predict
        raise _invalid(
            f"{pointer}/input/vocab_size",
            f"the built-in task markov_lm has 2 to {MAX_VOCABULARY:,} different "
            f'tokens, not {vocab_size:,}: use fewer, or write "data" with your own '
            "sample (language_model)",
        )
    return MarkovLm(vocab_size=vocab_size, length=length)


def _filled(data: Data, pointer: str) -> Data:
    if not isinstance(data, Recall):
        return data
    if data.classes > data.features:
        raise _invalid(
            f"{pointer}/data",
            f"recall marks feature y, so classes ({data.classes}) must be at most "
            f"features ({data.features})",
        )
    if data.lag is not None and data.lag > data.length:
        raise _invalid(
            f"{pointer}/data/lag", f"lag must be at most length ({data.length})"
        )
    return data.model_copy(update={"lag": data.lag or data.length})


def _target(
    data: Data, signal: Signal, pointer: str
) -> tuple[Literal["classes", "tokens", "values"], int, Shape]:
    match data:
        case Clusters() | Images() | Recall() | Digits():
            return "classes", data.classes, ()
        case Regression() | Adding():
            return "values", 0, (1,)
        case Reconstruction():
            return "values", 0, (data.features,)
        case MarkovLm() | LanguageModel():
            assert signal.vocab_size is not None
            return "tokens", signal.vocab_size, signal.dims
        case Classification() | RegressionData():
            return _inline_target(data, pointer)


def _inline_target(
    data: Classification | RegressionData, pointer: str
) -> tuple[Literal["classes", "values"], int, Shape]:
    y = decode_npy(data.y.npy)
    if isinstance(data, RegressionData):
        return "values", 0, y.shape[1:] or (1,)
    if y.ndim != 1 or y.dtype != np.int64 or int(y.min()) < 0:
        raise _invalid(
            f"{pointer}/data/y/npy",
            "classification needs y as int64 class numbers from 0, one a sample; for "
            'other targets use "task": "regression_data"',
        )
    return "classes", int(y.max()) + 1, ()


def _loss(spec: Spec, kind: str, pointer: str) -> Loss:
    loss = spec.training.loss
    if loss == "auto":
        return "mse" if kind == "values" else "cross_entropy"
    allowed = {"classes": CLASS_LOSSES, "tokens": TOKEN_LOSSES, "values": VALUE_LOSSES}
    if loss not in allowed[kind]:
        raise _invalid(
            f"{pointer}/training/loss",
            f"'{loss}' does not fit targets that are {kind}: use one of "
            f"{', '.join(allowed[kind])}",
        )
    return loss


def _check_output(  # noqa: PLR0913 -- the parts of a goal before it exists
    output: Signal, kind: str, num_classes: int, dims: Shape, loss: Loss, pointer: str
) -> None:
    where = f"{pointer}/model"
    if kind == "values":
        if output.dims != dims:
            raise _invalid(
                where,
                f"the output is {output}, but the target is {list(dims)}: end with a "
                f"layer that gives {list(dims)}",
            )
        return
    binary = loss in ("bce", "bce_with_logits") and num_classes == 2  # noqa: PLR2004 -- yes or no
    if binary and output.dims == (1,):
        return
    if output.dims[:-1] != dims or output.dims[-1] < num_classes:
        sequence = len(output.dims) == 2 and kind == "classes"  # noqa: PLR2004 -- [length, features]
        hint = (
            '; write "return": "last" on the last recurrent layer or add MeanPool'
            if sequence
            else ""
        )
        wanted = [*dims, num_classes]
        raise _invalid(
            where,
            f"the output is {output}, but {num_classes} classes need {wanted}{hint}: "
            f'end with {{"type": "Linear", "out_features": {num_classes}}}',
        )
