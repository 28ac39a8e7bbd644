"""A second set of networks, drawn at random: no threshold was ever set on it.

They are meant to learn, with a mild mistake now and then; whether they do is for the
label script to say. A seeded generator draws depth, width, activation, weights, biases,
optimizer, rate, batch, norm, skips and task.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random

from .families import DIGITS, Entry, Spec, linear
from .suite import Case, key_of

HELD_OUT_LABELS = Path(__file__).parent / "held_out_labels.json"
# Optimizers with a rate at which most of these networks learn.
OPTIMIZERS: tuple[Entry, ...] = (
    {"type": "SGD", "lr": 0.05},
    {"type": "SGD", "lr": 0.02, "momentum": 0.9},
    {"type": "SGD", "lr": 0.02, "momentum": 0.9, "nesterov": True},
    {"type": "Adam", "lr": 0.003},
    {"type": "AdamW", "lr": 0.003},
    {"type": "NAdam", "lr": 0.003},
    {"type": "RMSprop", "lr": 0.001},
)
ADAPTIVE = OPTIMIZERS[3:]
RATE_FACTORS = (0.3, 0.5, 0.7, 1.0, 1.0, 1.5, 2.0, 3.0)
RELUS = ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU")
# Weights of this spread suit ReLU and its kin, as do those of the other list tanh.
FOR_RELU: tuple[Entry, ...] = (
    {"fn": "kaiming_normal_", "nonlinearity": "relu"},
    {"fn": "kaiming_uniform_", "nonlinearity": "relu"},
    {"fn": "orthogonal_", "gain": 1.4},
    {"fn": "xavier_normal_", "gain": 1.2},
    {"fn": "xavier_normal_", "gain": 1.6},
)
FOR_TANH: tuple[Entry, ...] = (
    {"fn": "xavier_uniform_"},
    {"fn": "xavier_normal_", "gain": 1.3},
    {"fn": "orthogonal_", "gain": 1.1},
    {"fn": "lecun_normal_"},
)
# torch's own weights are too small for networks that are deeper.
DEFAULT_DEPTH = 3


@cache
def held_out() -> tuple[Case, ...]:
    """Every candidate, in a fixed order."""
    return tuple(
        Case(
            f"held_out-{family}{number}", family, key_of(spec), key_of(spec), None, spec
        )
        for family, (count, draw) in FAMILIES.items()
        for number, spec in enumerate(_drawn(family, count, draw))
    )


def _drawn(family: str, count: int, draw: Callable[[Random], Spec]) -> list[Spec]:
    random = Random(f"held out: {family}")
    return [draw(random) for _ in range(count)]


def _spec(  # noqa: PLR0913 -- the parts of a spec
    random: Random,
    model: list[Entry],
    data: Entry,
    init: list[Entry],
    shape: list[int] | None = None,
    optimizers: tuple[Entry, ...] = OPTIMIZERS,
) -> Spec:
    optimizer = dict(random.choice(optimizers))
    optimizer["lr"] = round(optimizer["lr"] * random.choice(RATE_FACTORS), 6)
    if random.random() < 0.2:
        optimizer["weight_decay"] = random.choice((1e-4, 1e-3))
    training: Entry = {
        "optimizer": optimizer,
        "steps": random.choice((120, 150, 180)),
        "batch_size": random.choice((16, 32, 64, 128)),
    }
    if random.random() < 0.2:
        training["clip_grad_norm"] = random.choice((1.0, 5.0))
    spec: Spec = {"spec_version": 1, "data": data, "model": model, "init": init}
    if shape is not None:
        spec["input"] = {"shape": shape}
    return spec | {"training": training, "probe": {"seeds": [0, 1, 2]}}


def _weights(random: Random, kind: str, activation: str, depth: int) -> list[Entry]:
    """Rules for weights and biases that suit the activation."""
    if activation == "SELU":
        rule: Entry = {"fn": "lecun_normal_"}
    elif depth <= DEFAULT_DEPTH and random.random() < 0.3:
        return []
    else:
        rule = random.choice(FOR_RELU if activation in RELUS else FOR_TANH)
    rules = [{"match": f"{kind}.weight", **rule}]
    bias = random.choice((None, 0.0, 0.0, 0.1, -0.1, -0.3))
    if bias is not None:
        rules.append({"match": f"{kind}.bias", "value": bias})
    return rules


def _classes(random: Random) -> tuple[Entry, list[int] | None, int]:
    """A task of classes, its input's shape, and the number of classes."""
    if random.random() < 0.5:
        return DIGITS, [64], 10
    classes = random.choice((2, 3, 4, 6))
    data = {
        "task": "clusters",
        "features": random.choice((8, 16, 32)),
        "classes": classes,
        "blobs": random.choice((1, 2, 3)),
        "noise": random.choice((0.2, 0.35, 0.5)),
        "scale": random.choice((1, 1, 1, 0.5, 3)),
    }
    return data, None, classes


def _mlp(random: Random) -> Spec:
    activation = random.choice(("ReLU", "ReLU", "LeakyReLU", "Tanh", "SELU", "ELU"))
    depth, width = random.choice((1, 2, 3, 4, 6, 9, 12)), random.choice((24, 48, 96))
    data, shape, classes = _classes(random)
    body: list[Entry] = [linear(width), {"type": activation}]
    if depth <= DEFAULT_DEPTH and random.random() < 0.4:
        body.append({"type": "Dropout", "p": 0.1})
    model = [{"repeat": depth, "body": body}, linear(classes)]
    return _spec(
        random, model, data, _weights(random, "Linear", activation, depth), shape
    )


def _funnel(random: Random) -> Spec:
    """Widths that fall, and activations that change, from layer to layer."""
    data, shape, classes = _classes(random)
    widths = sorted(random.choices((16, 24, 32, 48, 64, 96), k=random.randint(2, 5)))
    model: list[Entry] = []
    for width in reversed(widths):
        model += [linear(width), {"type": random.choice((*RELUS, "Tanh"))}]
    init = _weights(random, "Linear", "ReLU", len(widths))
    return _spec(random, [*model, linear(classes)], data, init, shape)


def _shallow_sigmoid(random: Random) -> Spec:
    data, shape, classes = _classes(random)
    depth = random.choice((1, 1, 2))
    body = [linear(random.choice((32, 64))), {"type": "Sigmoid"}]
    gain = random.choice((1.0, 2.0, 4.0))
    init = [{"match": "Linear.weight", "fn": "xavier_uniform_", "gain": gain}]
    model = [{"repeat": depth, "body": body}, linear(classes)]
    return _spec(random, model, data, init, shape, ADAPTIVE)


def _normed_mlp(random: Random) -> Spec:
    norm = random.choice(("BatchNorm1d", "BatchNorm1d", "LayerNorm", "RMSNorm"))
    activation = random.choice(("ReLU", "Tanh", "GELU", "SiLU", "Sigmoid"))
    data, shape, classes = _classes(random)
    body = [linear(random.choice((24, 48, 64))), {"type": norm}, {"type": activation}]
    depth = random.choice((1, 2, 4, 6, 9))
    init = random.choice(([], _weights(random, "Linear", activation, depth)))
    model = [{"repeat": depth, "body": body}, linear(classes)]
    return _spec(random, model, data, init, shape)


def _cnn(random: Random) -> Spec:
    blocks, channels = random.choice((1, 2, 3, 5)), random.choice((6, 8, 12))
    activation = random.choice(("ReLU", "ReLU", "LeakyReLU", "ELU"))
    conv = {"type": "Conv2d", "out_channels": channels, "kernel_size": 3, "padding": 1}
    norms = [{"type": "BatchNorm2d"}] if random.random() < 0.4 else []
    pool = random.choice(("MaxPool2d", "AvgPool2d"))
    is_digits = random.random() < 0.6
    noise = random.choice((0.2, 0.4))
    data = DIGITS if is_digits else {"task": "images", "noise": noise}
    model = [
        {"repeat": blocks, "body": [conv, *norms, {"type": activation}]},
        {"type": pool, "kernel_size": 2},
        {"type": "Flatten"},
        linear(10 if is_digits else 4),
    ]
    init = _weights(random, "Conv2d", activation, blocks)
    return _spec(random, model, data, init, [1, 8, 8] if is_digits else None)


def _resnet(random: Random) -> Spec:
    data, shape, classes = _classes(random)
    blocks, width = random.choice((2, 4, 8, 16)), random.choice((24, 48))
    norm = random.choice(("BatchNorm1d", "LayerNorm", None))
    activation = {"type": random.choice(("ReLU", "GELU", "Tanh"))}
    body = [linear(width), activation, *random.choice(([], [linear(width)]))]
    residual: Entry = {"type": "Residual", "body": body}
    if norm is None:
        residual["scale"] = round(blocks**-0.5, 3)
    else:
        body.insert(0, {"type": norm})
    model = [linear(width), {"repeat": blocks, "body": [residual]}, linear(classes)]
    init = random.choice(([], [{"match": "Linear.weight", **FOR_RELU[0]}]))
    return _spec(random, model, data, init, shape)


def _recall(random: Random, lags: tuple[int, ...]) -> Entry:
    lag = random.choice(lags)
    length = lag + random.choice((0, 0, 4, 8))
    sizes = {"features": 8, "classes": 4, "n": 512}
    return {"task": "recall", "length": length, "lag": lag, **sizes}


def _recurrent(random: Random, layer: Entry, data: Entry, init: list[Entry]) -> Spec:
    sizes = {"hidden_size": random.choice((16, 24, 32)), "return": "last"}
    model = [{**layer, **sizes}, linear(4)]
    adam = ({"type": "Adam", "lr": 0.005}, {"type": "RMSprop", "lr": 0.003})
    return _spec(random, model, data, init, None, adam)


def _rnn(random: Random) -> Spec:
    rule = {"match": "RNN.weight_hh_l0", "fn": "orthogonal_"}
    init = [rule | {"gain": random.choice((0.95, 1.0, 1.0, 1.05))}]
    if random.random() < 0.3:
        return _recurrent(random, {"type": "RNN"}, _recall(random, (1, 2, 3)), [])
    return _recurrent(random, {"type": "RNN"}, _recall(random, (4, 8, 12, 18)), init)


def _gated(random: Random, kind: str, gate: str) -> Spec:
    lag, bias = random.choice(((2, None), (4, None), (6, 1), (10, 2), (16, 3), (24, 4)))
    init = [] if bias is None else [{"match": f"{kind}.{gate}", "value": bias}]
    return _recurrent(random, {"type": kind}, _recall(random, (lag,)), init)


def _lstm(random: Random) -> Spec:
    return _gated(random, "LSTM", "forget_bias")


def _gru(random: Random) -> Spec:
    return _gated(random, "GRU", "update_bias")


def _transformer(random: Random) -> Spec:
    """Pre-LN, causal."""
    heads = random.choice((1, 2, 4))
    width, blocks = heads * random.choice((8, 12)), random.choice((1, 2, 3, 4))
    norm = {"type": random.choice(("LayerNorm", "LayerNorm", "RMSNorm"))}
    attention = {"type": "SelfAttention", "num_heads": heads, "causal": True}
    activation = {"type": random.choice(("GELU", "ReLU", "SiLU"))}
    feed_forward = [linear(random.choice((1, 2, 4)) * width), activation, linear(width)]
    block = [
        {"type": "Residual", "body": [norm, attention]},
        {"type": "Residual", "body": [norm, *feed_forward]},
    ]
    size, length = random.choice((8, 12, 20)), random.choice((8, 12, 16))
    model = [
        {"type": "Embedding", "embedding_dim": width},
        {"type": "PositionalEmbedding"},
        {"repeat": blocks, "body": block},
        norm,
        linear(size),
    ]
    data = {"task": "markov_lm", "n": 512, "vocab_size": size, "length": length}
    spec = _spec(random, model, data, [], None, ADAPTIVE)
    spec["training"] |= {"steps": 120, "batch_size": 32}  # the dearest by far
    return spec | {"input": {"tokens": length, "vocab_size": size}}


def _autoencoder(random: Random) -> Spec:
    activation = random.choice(("Tanh", "ReLU", "ELU", "SELU"))
    outer = random.choice(((32,), (48,), (64, 32)))
    widths = (*outer, random.choice((6, 8, 12)), *reversed(outer))
    hidden = [part for w in widths for part in (linear(w), {"type": activation})]
    init = _weights(random, "Linear", activation, len(widths))
    data = {"task": "reconstruction"}
    return _spec(random, [*hidden, linear(16)], data, init, None, ADAPTIVE)


def _regression(random: Random) -> Spec:
    activation = random.choice(("ReLU", "Tanh", "ELU", "SELU"))
    depth, width = random.choice((1, 2, 3, 5)), random.choice((32, 64))
    body = [linear(width), {"type": activation}]
    init = _weights(random, "Linear", activation, depth)
    model = [{"repeat": depth, "body": body}, linear(1)]
    return _spec(random, model, {"task": "regression"}, init, None, ADAPTIVE)


FAMILIES: Mapping[str, tuple[int, Callable[[Random], Spec]]] = {
    "mlp": (60, _mlp),
    "funnel": (25, _funnel),
    "sigmoid": (10, _shallow_sigmoid),
    "normed_mlp": (30, _normed_mlp),
    "cnn": (40, _cnn),
    "resnet": (30, _resnet),
    "rnn": (25, _rnn),
    "lstm": (18, _lstm),
    "gru": (18, _gru),
    "transformer": (24, _transformer),
    "autoencoder": (20, _autoencoder),
    "regression": (20, _regression),
}
