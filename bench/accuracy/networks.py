"""A second builder, trainer and set of tasks, so that labels owe the product nothing.

It imports nothing of gradhealth. It knows the layers that the suite uses, and builds
each for the sample that reaches it.
"""

import base64
import fnmatch
import io
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

Entry = dict[str, Any]
Spec = dict[str, Any]


class Residual(nn.Module):
    def __init__(self, body: nn.Module, scale: float) -> None:
        super().__init__()
        self.body, self.scale = body, scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.body(x)


class Last(nn.Module):
    """A recurrent layer's output at the last step."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = (
            self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        y = functional.scaled_dot_product_attention(*parts, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Positions(nn.Module):
    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(length, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight


def build(spec: Spec, sample: Tensor) -> nn.Module:
    """The network, initialised by the spec's rules."""
    model, _ = _sequence(spec["model"], sample, spec)
    for rule in spec.get("init", []):
        for name, tensor in _parameters(model):
            if fnmatch.fnmatchcase(name, rule["match"]):
                _initialise(tensor, rule)
        _set_gate(model, rule)
    return model


def _sequence(entries: list[Entry], x: Tensor, spec: Spec) -> tuple[nn.Module, Tensor]:
    layers: list[nn.Module] = []
    for entry in entries:
        if "repeat" in entry:
            for _ in range(entry["repeat"]):
                layer, x = _sequence(entry["body"], x, spec)
                layers.append(layer)
            continue
        if entry["type"] == "Residual":
            body, _ = _sequence(entry["body"], x, spec)
            layer = Residual(body, entry.get("scale", 1.0))
        else:
            layer = _layer(entry, x, spec)
        with torch.no_grad():
            x = layer.train()(x)
        layers.append(layer)
    return nn.Sequential(*layers), x


def _layer(  # noqa: PLR0911 -- one for each kind
    entry: Entry, x: Tensor, spec: Spec
) -> nn.Module:
    kind, arguments = entry["type"], {k: v for k, v in entry.items() if k != "type"}
    match kind:
        case "Linear":
            return nn.Linear(x.shape[-1], **arguments)
        case "Conv2d":
            return nn.Conv2d(x.shape[1], **arguments)
        case "BatchNorm1d" | "BatchNorm2d":
            return getattr(nn, kind)(x.shape[1])
        case "LayerNorm" | "RMSNorm":
            return getattr(nn, kind)(x.shape[-1])
        case "RNN" | "LSTM" | "GRU":
            arguments.pop("return")
            return Last(getattr(nn, kind)(x.shape[-1], batch_first=True, **arguments))
        case "Embedding":
            return nn.Embedding(spec["input"]["vocab_size"], **arguments)
        case "PositionalEmbedding":
            return Positions(x.shape[1], x.shape[2])
        case "SelfAttention":
            return Attention(x.shape[-1], entry["num_heads"])
        case _:
            return getattr(nn, kind)(**arguments)


def _parameters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for module in model.modules():
        for name, tensor in module.named_parameters(recurse=False):
            yield f"{type(module).__name__}.{name}", tensor


def _initialise(tensor: Tensor, rule: Entry) -> None:
    with torch.no_grad():
        if "fn" not in rule:
            tensor.fill_(rule["value"])
            return
        arguments = {k: v for k, v in rule.items() if k not in {"match", "fn"}}
        if rule["fn"] == "lecun_normal_":
            tensor.normal_(0, tensor[0].numel() ** -0.5)
        else:
            getattr(nn.init, rule["fn"])(tensor, **arguments)


def _set_gate(model: nn.Module, rule: Entry) -> None:
    """`LSTM.forget_bias` and `GRU.update_bias`: the second quarter or third."""
    kind, _, gate = rule["match"].partition(".")
    if gate not in {"forget_bias", "update_bias"}:
        return
    for module in model.modules():
        if type(module).__name__ == kind:
            hidden = module.hidden_size
            with torch.no_grad():
                module.bias_ih_l0[hidden : 2 * hidden].fill_(rule["value"])
                module.bias_hh_l0[hidden : 2 * hidden].zero_()


def draw(spec: Spec, seed: int) -> tuple[Tensor, Tensor]:
    """The samples of a task; as defined in the contract, from own random numbers."""
    random = np.random.default_rng(seed)
    x, y = TASKS[spec["data"]["task"]](spec, random)
    floats = torch.from_numpy(x.astype(np.float32 if x.dtype.kind == "f" else np.int64))
    return floats, torch.from_numpy(
        y.astype(np.float32 if y.dtype.kind == "f" else int)
    )


def _clusters(spec: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    data = {"scale": 1, "shift": 0, "noise": 0.35, "blobs": 3, **spec["data"]}
    centres = random.standard_normal(
        (data["classes"] * data["blobs"], data["features"])
    )
    blob = random.integers(len(centres), size=1024)
    noise = data["noise"] * random.standard_normal((1024, data["features"]))
    return (centres[blob] + noise) * data["scale"] + data["shift"], blob % data[
        "classes"
    ]


def _images(spec: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    y = random.integers(4, size=1024)
    angle = (np.pi * y / 4).reshape(-1, 1, 1)
    phase = 2 * np.pi * random.random((1024, 1, 1))
    v, u = np.mgrid[:12, :12]
    waves = np.sin(1.3 * (u * np.cos(angle) + v * np.sin(angle)) + phase)
    noise = spec["data"]["noise"] * random.standard_normal((1024, 12, 12))
    return (1.4 * waves + noise)[:, None], y


def _digits(spec: Spec, _: np.random.Generator) -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    deviation = x.std(axis=0)  # of each pixel; those at the edge never change
    x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return x.reshape(-1, *spec["input"]["shape"]), y


def _regression(spec: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    x = random.standard_normal((1024, 8))
    a, b = random.standard_normal((2, 8)) / math.sqrt(8)
    y = (np.sin(2 * x @ a) + 0.5 * x @ b) * spec["data"].get("target_scale", 1)
    return x, y[:, None]


def _reconstruction(_: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    x = np.tanh(random.standard_normal((1024, 4)) @ random.standard_normal((4, 16)))
    return x, x


def _recall(spec: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    length, lag = spec["data"]["length"], spec["data"]["lag"]
    y = random.integers(4, size=512)
    x = 0.3 * random.standard_normal((512, length, 8))
    x[np.arange(512), length - lag, y] += 2.0
    return x, y


def _markov(spec: Spec, random: np.random.Generator) -> tuple[Any, Any]:
    size, length = spec["input"]["vocab_size"], spec["input"]["tokens"]
    chances = _chances(size, random)
    text = np.zeros((512, length + 1), np.int64)
    text[:, 0] = random.integers(size, size=512)
    for step in range(length):
        bounds = chances[text[:, step]].cumsum(axis=1)
        below = bounds < random.random((512, 1))
        text[:, step + 1] = np.minimum(below.sum(axis=1), size - 1)
    return text[:, :-1], text[:, 1:]


def _chances(size: int, random: np.random.Generator) -> Any:
    """[size, size] chances of the next token by the last."""
    chances = np.exp(2 * random.standard_normal((size, size)))
    return chances / chances.sum(axis=1, keepdims=True)


def floor(spec: Spec, seed: int) -> float:
    """The smallest loss there is: the chain's entropy; 0 where nothing is left open."""
    if spec["data"]["task"] != "markov_lm":
        return 0.0
    random = np.random.default_rng(seed)
    chances = _chances(spec["input"]["vocab_size"], random)
    text, _ = _markov(spec, np.random.default_rng(seed))
    entropies = -(chances * np.log(chances)).sum(axis=1)
    return float(entropies[text].mean())


def _given(spec: Spec, _: np.random.Generator) -> tuple[Any, Any]:
    x, y = (
        np.load(io.BytesIO(base64.b64decode(spec["data"][name]["npy"])))
        for name in ("x", "y")
    )
    return x, y


TASKS: dict[str, Callable[[Spec, np.random.Generator], tuple[Any, Any]]] = {
    "clusters": _clusters,
    "images": _images,
    "digits": _digits,
    "regression": _regression,
    "reconstruction": _reconstruction,
    "recall": _recall,
    "markov_lm": _markov,
    "classification": _given,
}
