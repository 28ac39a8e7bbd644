"""Healthy networks of eight families, small enough to be trained by the hundred.

Each is known to learn its task within its steps; the label script checks it anew.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

Spec = dict[str, Any]
Entry = dict[str, Any]

HE = {"match": "*.weight", "fn": "kaiming_normal_", "nonlinearity": "relu"}
ACTIVATIONS = {
    "ReLU": ("Linear.weight", {"fn": "kaiming_normal_", "nonlinearity": "relu"}),
    "LeakyReLU": ("Linear.weight", {"fn": "kaiming_normal_", "nonlinearity": "relu"}),
    "Tanh": ("Linear.weight", {"fn": "xavier_uniform_"}),
    "SELU": ("Linear.weight", {"fn": "lecun_normal_"}),
    "ELU": ("Linear.weight", {"fn": "kaiming_normal_", "nonlinearity": "relu"}),
}
SGD = {"type": "SGD", "lr": 0.05}
MOMENTUM = {"type": "SGD", "lr": 0.02, "momentum": 0.9}
ADAM = {"type": "Adam", "lr": 0.003}
CLUSTERS = {"task": "clusters", "features": 16, "classes": 4, "noise": 0.35}
DIGITS = {"task": "digits"}


def spec_of(
    model: list[Entry],
    data: Entry,
    training: Entry,
    init: list[Entry] | None = None,
    shape: list[int] | None = None,
) -> Spec:
    """A spec with three seeds; biases start at 0 wherever weights are drawn."""
    rules = [] if init is None else [*init, {"match": "Linear.bias", "fn": "zeros_"}]
    spec: Spec = {"spec_version": 1, "data": data, "model": model, "init": rules}
    if shape is not None:
        spec["input"] = {"shape": shape}
    return spec | {"training": training, "probe": {"seeds": [0, 1, 2]}}


def linear(width: int) -> Entry:
    return {"type": "Linear", "out_features": width}


def healthy() -> Iterator[tuple[str, Spec]]:
    """Family and spec of every healthy network."""
    for name, make in FAMILIES.items():
        for spec in make():
            yield name, spec


def _mlps() -> Iterator[Spec]:
    optimizers = cycle([SGD, MOMENTUM, ADAM])
    for activation, (match, rule) in ACTIVATIONS.items():
        for depth, width in ((2, 48), (4, 64), (8, 48), (12, 64)):
            data = DIGITS if (depth + width) % 3 == 0 else CLUSTERS
            classes = 10 if data is DIGITS else 4
            body = [linear(width), {"type": activation}]
            yield spec_of(
                [{"repeat": depth, "body": body}, linear(classes)],
                data,
                {"optimizer": next(optimizers), "steps": 150, "batch_size": 64},
                [{"match": match, **rule}],
                [64] if data is DIGITS else None,
            )


def _deep_mlps() -> Iterator[Spec]:
    """Plain networks as deep as a good initialisation allows."""
    optimizers = cycle([SGD, MOMENTUM])
    for activation, depth, width in (
        ("ReLU", 10, 128),
        ("ReLU", 16, 128),
        ("LeakyReLU", 14, 128),
        ("Tanh", 10, 96),
        ("Tanh", 20, 96),
        ("SELU", 16, 64),
        ("SELU", 24, 64),
        ("ELU", 12, 96),
    ):
        match, rule = ACTIVATIONS[activation]
        body = [linear(width), {"type": activation}]
        yield spec_of(
            [{"repeat": depth, "body": body}, linear(10)],
            DIGITS,
            {"optimizer": next(optimizers), "steps": 200, "batch_size": 64},
            [{"match": match, **rule}],
            [64],
        )


def _normed_mlps() -> Iterator[Spec]:
    for depth, norm, activation, optimizer in (
        (4, "BatchNorm1d", "ReLU", SGD),
        (8, "BatchNorm1d", "ReLU", ADAM),
        (6, "BatchNorm1d", "Sigmoid", ADAM),
        (10, "BatchNorm1d", "Tanh", MOMENTUM),
        (4, "LayerNorm", "ReLU", ADAM),
        (8, "LayerNorm", "GELU", ADAM),
        (6, "LayerNorm", "Tanh", SGD),
        (6, "RMSNorm", "SiLU", ADAM),
    ):
        body = [linear(64), {"type": norm}, {"type": activation}]
        yield spec_of(
            [{"repeat": depth, "body": body}, linear(10)],
            DIGITS,
            {"optimizer": optimizer, "steps": 150, "batch_size": 64},
            [],
            [64],
        )


def _cnns() -> Iterator[Spec]:
    for blocks, channels, norm, data, optimizer in (
        (2, 8, False, DIGITS, ADAM),
        (3, 12, False, DIGITS, MOMENTUM),
        (5, 12, False, DIGITS, ADAM),
        (8, 12, False, DIGITS, ADAM),
        (2, 8, True, DIGITS, SGD),
        (4, 12, True, DIGITS, ADAM),
        (3, 16, True, {"task": "images", "noise": 0.4}, ADAM),
        (4, 12, False, {"task": "images", "noise": 0.4}, ADAM),
    ):
        conv = {
            "type": "Conv2d",
            "out_channels": channels,
            "kernel_size": 3,
            "padding": 1,
        }
        norms = [{"type": "BatchNorm2d"}] if norm else []
        is_digits = data is DIGITS
        yield spec_of(
            [
                {"repeat": blocks, "body": [conv, *norms, {"type": "ReLU"}]},
                {"type": "MaxPool2d", "kernel_size": 2},
                {"type": "Flatten"},
                linear(10 if is_digits else 4),
            ],
            data,
            {"optimizer": optimizer, "steps": 120, "batch_size": 32},
            [
                {**HE, "match": "Conv2d.weight"},
                {"match": "Conv2d.bias", "fn": "zeros_"},
            ],
            [1, 8, 8] if is_digits else None,
        )


def _resnets() -> Iterator[Spec]:
    for blocks, width, norm, optimizer in (
        (6, 48, "BatchNorm1d", SGD),
        (12, 64, "BatchNorm1d", SGD),
        (24, 48, "BatchNorm1d", ADAM),
        (40, 32, "BatchNorm1d", SGD),
        (10, 64, "LayerNorm", ADAM),
        (20, 48, "LayerNorm", SGD),
    ):
        body = [{"type": norm}, linear(width), {"type": "ReLU"}]
        residual = {"type": "Residual", "body": body}
        yield spec_of(
            [linear(width), {"repeat": blocks, "body": [residual]}, linear(10)],
            DIGITS,
            {"optimizer": optimizer, "steps": 120, "batch_size": 64},
            [],
            [64],
        )
    for blocks, width in ((10, 48), (30, 48)):
        body = [linear(width), {"type": "ReLU"}]
        residual = {"type": "Residual", "body": body, "scale": round(blocks**-0.5, 3)}
        yield spec_of(
            [linear(width), {"repeat": blocks, "body": [residual]}, linear(4)],
            CLUSTERS,
            {"optimizer": SGD, "steps": 120, "batch_size": 64},
            [{**HE, "match": "Linear.weight"}],
        )


def _recall(length: int, lag: int) -> Entry:
    return {
        "task": "recall",
        "length": length,
        "features": 8,
        "classes": 4,
        "lag": lag,
        "n": 512,
    }


def _recurrent(layer: Entry, data: Entry, init: list[Entry]) -> Spec:
    training = {"optimizer": {"type": "Adam", "lr": 0.005}, "steps": 150}
    return spec_of(
        [{**layer, "hidden_size": 32, "return": "last"}, linear(4)],
        data,
        training | {"batch_size": 32},
        init,
    )


def _rnns() -> Iterator[Spec]:
    orthogonal = [{"match": "RNN.weight_hh_l0", "fn": "orthogonal_"}]
    for length, lag in ((8, 8), (12, 12), (20, 20), (20, 5), (30, 3)):
        yield _recurrent({"type": "RNN"}, _recall(length, lag), orthogonal)
    for length, lag in ((20, 2), (12, 3)):
        yield _recurrent({"type": "RNN"}, _recall(length, lag), [])
    for length in (30, 40, 60):
        yield _recurrent({"type": "RNN"}, _recall(length, length), orthogonal)


def _lstms() -> Iterator[Spec]:
    for length, lag, bias in (
        (10, 10, 1),
        (20, 20, 3),
        (30, 30, 4),
        (20, 5, 1),
        (40, 40, 5),
        (50, 50, 5),
        (60, 60, 5),
    ):
        rule = {"match": "LSTM.forget_bias", "value": bias}
        yield _recurrent({"type": "LSTM"}, _recall(length, lag), [rule])


def _grus() -> Iterator[Spec]:
    for length, lag, bias in (
        (10, 10, 0),
        (20, 20, 3),
        (30, 30, 4),
        (25, 4, 0),
        (40, 40, 5),
        (50, 50, 5),
        (60, 60, 5),
    ):
        rule = {"match": "GRU.update_bias", "value": bias}
        yield _recurrent({"type": "GRU"}, _recall(length, lag), [rule])


def _transformers() -> Iterator[Spec]:
    for blocks, width, heads in ((1, 32, 2), (2, 32, 4), (4, 32, 4), (6, 24, 2)):
        attention = {"type": "SelfAttention", "num_heads": heads, "causal": True}
        feed_forward = [linear(2 * width), {"type": "GELU"}, linear(width)]
        block = [
            {"type": "Residual", "body": [{"type": "LayerNorm"}, attention]},
            {"type": "Residual", "body": [{"type": "LayerNorm"}, *feed_forward]},
        ]
        yield {
            "spec_version": 1,
            "input": {"tokens": 16, "vocab_size": 12},
            "data": {"task": "markov_lm", "n": 512},
            "model": [
                {"type": "Embedding", "embedding_dim": width},
                {"type": "PositionalEmbedding"},
                {"repeat": blocks, "body": block},
                {"type": "LayerNorm"},
                linear(12),
            ],
            "init": [],
            "training": {
                "optimizer": {"type": "AdamW", "lr": 0.003},
                "steps": 150,
                "batch_size": 32,
            },
            "probe": {"seeds": [0, 1, 2]},
        }


def _autoencoders() -> Iterator[Spec]:
    for widths, activation in (
        ((32, 8, 32), "Tanh"),
        ((64, 16, 64), "ReLU"),
        ((64, 32, 8, 32, 64), "Tanh"),
        ((64, 32, 16, 32, 64), "ELU"),
        ((48, 8, 48), "SELU"),
    ):
        match, rule = ACTIVATIONS[activation]
        hidden = [part for w in widths for part in (linear(w), {"type": activation})]
        yield spec_of(
            [*hidden, linear(16)],
            {"task": "reconstruction"},
            {"optimizer": ADAM, "steps": 200, "batch_size": 64},
            [{"match": match, **rule}],
        )


def _regressors() -> Iterator[Spec]:
    for depth, width, activation in (
        (2, 48, "ReLU"),
        (3, 64, "Tanh"),
        (6, 48, "ReLU"),
        (4, 48, "ELU"),
    ):
        match, rule = ACTIVATIONS[activation]
        body = [linear(width), {"type": activation}]
        yield spec_of(
            [{"repeat": depth, "body": body}, linear(1)],
            {"task": "regression"},
            {"optimizer": ADAM, "steps": 200, "batch_size": 64},
            [{"match": match, **rule}],
        )


FAMILIES = {
    "mlp": _mlps,
    "deep_mlp": _deep_mlps,
    "normed_mlp": _normed_mlps,
    "cnn": _cnns,
    "resnet": _resnets,
    "rnn": _rnns,
    "lstm": _lstms,
    "gru": _grus,
    "transformer": _transformers,
    "autoencoder": _autoencoders,
    "regression": _regressors,
}
