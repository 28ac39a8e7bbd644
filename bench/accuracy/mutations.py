"""One known mistake made in a healthy spec, with what an expert would call it.

A mutation yields a faulty twin where it applies to the spec, else nothing. Whether the
twin is faulty indeed is for the label script to say, which trains both.
"""

import base64
import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .families import Spec

NORMS = ("BatchNorm1d", "BatchNorm2d", "LayerNorm", "RMSNorm")
ACTIVATIONS = ("ReLU", "LeakyReLU", "Tanh", "SELU", "ELU", "GELU", "SiLU")
VANISHING, EXPLODING = "vanishing_gradient", "exploding_gradient"
TOO_LARGE = frozenset({EXPLODING, "non_finite", "dead_relu", "saturated_activation"})


@dataclass(frozen=True, slots=True)
class Twin:
    """A mutated spec.

    Attributes:
        mutation: What was done.
        problems: The names an expert would accept as the primary problem.
        causes: The kinds of cause that name the mistake.
    """

    mutation: str
    spec: Spec
    problems: frozenset[str]
    causes: frozenset[str]


def twins(family: str, spec: Spec) -> Iterator[Twin]:
    """Every mutation that applies to a healthy spec."""
    for mutate in MUTATIONS:
        yield from mutate(family, spec)


def _twin(
    mutation: str,
    spec: Spec,
    problems: set[str] | frozenset[str],
    causes: set[str],
) -> Twin:
    return Twin(mutation, spec, frozenset(problems), frozenset(causes))


def _weights_too_small(_: str, spec: Spec) -> Iterator[Twin]:
    if _depth(spec) >= 5 and not _has(spec, *NORMS, "Residual", "LSTM", "GRU", "RNN"):
        rule = _weights(spec, fn="normal_", std=0.3 / np.sqrt(_width(spec)))
        yield _twin("init_small", rule, {VANISHING}, {"initialisation"})


def _weights_too_large(_: str, spec: Spec) -> Iterator[Twin]:
    if not _has(spec, *NORMS, "LSTM", "GRU", "RNN", "Residual"):
        for factor in (4.0, 8.0):
            rule = _weights(spec, fn="normal_", std=factor / np.sqrt(_width(spec)))
            name = f"init_large_{factor:g}"
            # A shallow one does not explode: it only starts far off and stays there.
            problems = TOO_LARGE | ({"stalled_training"} if _depth(spec) < 5 else set())
            yield _twin(name, rule, problems, {"initialisation"})


def _default_weights(_: str, spec: Spec) -> Iterator[Twin]:
    if _depth(spec) >= 8 and not _has(spec, *NORMS, "Residual", "RNN", "LSTM", "GRU"):
        default = {**copy.deepcopy(spec), "init": []}
        yield _twin("default_init", default, {VANISHING}, {"initialisation"})


def _sigmoid(_: str, spec: Spec) -> Iterator[Twin]:
    if _depth(spec) >= 4 and not _has(spec, *NORMS, "Residual"):
        changed = _replaced(spec, {"type": "Sigmoid"})
        changed = _weights(changed, fn="xavier_uniform_")
        yield _twin("sigmoid", changed, {VANISHING}, {"activation"})


def _deeper(_: str, spec: Spec) -> Iterator[Twin]:
    if _has(spec, *NORMS, "Residual") or not _has(spec, "Linear", "Conv2d"):
        return
    changed = copy.deepcopy(spec)
    repeats = [e for e in changed["model"] if "repeat" in e]
    if repeats and _has(spec, "Tanh", "SELU", "LeakyReLU", "ReLU"):
        repeats[0]["repeat"] = 40
        changed = _weights(changed, fn="xavier_uniform_")
        if not _has(spec, "Tanh", "SELU"):
            causes = {"initialisation", "depth"}
            yield _twin("deeper_xavier_relu", changed, {VANISHING}, causes)


def _norm_without_skips(_: str, spec: Spec) -> Iterator[Twin]:
    if not _has(spec, "BatchNorm1d") or _has(spec, "Residual"):
        return
    changed = copy.deepcopy(spec)
    for entry in changed["model"]:
        if "repeat" in entry:
            entry["repeat"] = 70
    if _has(spec, "ReLU"):
        causes = {"normalisation", "depth", "residual"}
        yield _twin("norm_without_skips", changed, {EXPLODING}, causes)


def _norms_removed(_: str, spec: Spec) -> Iterator[Twin]:
    if _has(spec, *NORMS) and _depth(spec) >= 6 and not _has(spec, "Residual"):
        changed = _without(spec, NORMS)
        causes = {"initialisation", "normalisation", "activation", "depth"}
        yield _twin("norms_removed", changed, {VANISHING}, causes)


def _skips_removed(_: str, spec: Spec) -> Iterator[Twin]:
    if not _has(spec, "Residual") or _has(spec, "SelfAttention"):
        return
    changed = copy.deepcopy(spec)
    for entry in changed["model"]:
        if "repeat" in entry:
            entry["body"] = [
                part for inner in entry["body"] for part in inner.get("body", [inner])
            ]
            entry["repeat"] = max(entry["repeat"], 60)
    causes = {"normalisation", "depth", "residual", "initialisation"}
    yield _twin("skips_removed", changed, {EXPLODING, VANISHING}, causes)


def _unscaled_residual(_: str, spec: Spec) -> Iterator[Twin]:
    if not _has(spec, "Residual") or _has(spec, *NORMS):
        return
    changed = copy.deepcopy(spec)
    for entry in changed["model"]:
        if "repeat" in entry:
            entry["repeat"] = 50
            entry["body"][0].pop("scale")
    causes = {"residual", "initialisation", "normalisation"}
    yield _twin("unscaled_residual", changed, TOO_LARGE, causes)


def _learning_rate(_: str, spec: Spec) -> Iterator[Twin]:
    for factor in (100.0, 1000.0):
        raised = _training(spec, lr=factor)
        problems = TOO_LARGE | {"stalled_training"}
        yield _twin(f"lr_x{factor:g}", raised, problems, {"learning_rate"})
    for factor in (1e-3, 1e-5):
        lowered = _training(spec, lr=factor)
        name = f"lr_x{factor:g}"
        yield _twin(name, lowered, {"stalled_training"}, {"learning_rate"})


def _negative_biases(_: str, spec: Spec) -> Iterator[Twin]:
    if _has(spec, "ReLU") and not _has(spec, *NORMS, "Residual"):
        for value in (-8.0, -20.0):
            rules = [
                {"match": f"{kind}.bias", "value": value}
                for kind in ("Linear", "Conv2d")
            ]
            changed = _with_rules(spec, rules)
            causes = {"initialisation"}
            yield _twin(f"bias_{value:g}", changed, {"dead_relu"}, causes)


def _decay(_: str, spec: Spec) -> Iterator[Twin]:
    optimizer = spec["training"]["optimizer"]
    if optimizer["type"] == "SGD" and "momentum" not in optimizer:
        strong = _optimizer(spec, weight_decay=0.6 / optimizer["lr"])
        problems = {"weight_collapse", VANISHING}
        yield _twin("weight_decay", strong, problems, {"weight_decay"})
    if optimizer["type"] == "Adam":
        changed = _optimizer(spec, type="AdamW", weight_decay=0.5 / optimizer["lr"])
        problems = {"weight_collapse", VANISHING}
        yield _twin("weight_decay_adamw", changed, problems, {"weight_decay"})


def _zero_weights(_: str, spec: Spec) -> Iterator[Twin]:
    if not _has(spec, "Residual", "RNN", "LSTM", "GRU", *NORMS):
        changed = _with_rules(spec, [{"match": "*.weight", "value": 0.0}])
        problems = {"weight_collapse", "stalled_training", VANISHING, "dead_relu"}
        yield _twin("zero_weights", changed, problems, {"initialisation"})


def _precision(_: str, spec: Spec) -> Iterator[Twin]:
    if _has(spec, "Linear") and not _has(spec, "Conv2d", "RNN", "LSTM", "GRU"):
        tiny = _training(spec, lr=0.02)
        tiny["training"]["precision"] = "bfloat16"
        problems = {"stalled_training", VANISHING}
        causes = {"precision", "learning_rate"}
        yield _twin("bfloat16_small_steps", tiny, problems, causes)


def _scales(_: str, spec: Spec) -> Iterator[Twin]:
    if spec["data"]["task"] == "clusters":
        for scale, shift in ((100, 0), (1000, 0), (50, 200)):
            changed = copy.deepcopy(spec)
            changed["data"] |= {"scale": scale, "shift": shift}
            problems = TOO_LARGE | {"stalled_training"}
            name = f"input_x{scale}+{shift}"
            yield _twin(name, changed, problems, {"input_scale"})
    if spec["data"]["task"] == "regression":
        for scale in (100, 1000):
            changed = _optimizer(spec, type="SGD", lr=0.05)
            changed["data"]["target_scale"] = scale
            problems = TOO_LARGE | {"stalled_training"}
            yield _twin(f"target_x{scale}", changed, problems, {"target_scale"})


def _loss_scale(_: str, spec: Spec) -> Iterator[Twin]:
    if spec["training"]["optimizer"]["type"] == "SGD":
        changed = copy.deepcopy(spec)
        changed["training"]["loss_scale"] = 4096
        problems = TOO_LARGE | {"stalled_training"}
        yield _twin("loss_scale", changed, problems, {"loss", "learning_rate"})


def _clipping(_: str, spec: Spec) -> Iterator[Twin]:
    if spec["training"]["optimizer"]["type"] == "SGD":
        changed = copy.deepcopy(spec)
        changed["training"]["clip_grad_norm"] = 1e-4
        yield _twin("clip_1e-4", changed, {"stalled_training"}, {"clipping"})


def _forgetting(_: str, spec: Spec) -> Iterator[Twin]:
    lag = spec["data"].get("lag", 0)
    problems = {"temporal_vanishing_gradient"}
    causes = {"recurrence", "initialisation", "activation"}
    for kind, rule in (("LSTM", "forget_bias"), ("GRU", "update_bias")):
        if _has(spec, kind) and lag >= 30:
            default = {**copy.deepcopy(spec), "init": []}
            yield _twin("default_gates", default, problems, causes)
        if _has(spec, kind) and lag >= 10:
            changed = _with_rules(spec, [{"match": f"{kind}.{rule}", "value": -3.0}])
            yield _twin(f"{rule}_-3", changed, problems, causes)
    if _has(spec, "RNN") and lag >= 8:
        for gain in (0.3, 0.6):
            rule = {"match": "RNN.weight_hh_l0", "fn": "orthogonal_", "gain": gain}
            changed = _with_rules(spec, [rule])
            yield _twin(f"recurrent_gain_{gain}", changed, problems, causes)
        longer = copy.deepcopy(spec)
        length = max(60, spec["data"]["length"])
        longer["data"] |= {"length": length, "lag": length}
        longer["init"] = []
        yield _twin("longer_lag", longer, problems, causes)


def _exploding_memory(_: str, spec: Spec) -> Iterator[Twin]:
    if _has(spec, "RNN") and spec["data"]["length"] >= 12:
        relu = copy.deepcopy(spec)
        relu["model"][0]["nonlinearity"] = "relu"
        rule = {"match": "RNN.weight_hh_l0", "fn": "orthogonal_", "gain": 4.0}
        changed = _with_rules(relu, [rule])
        problems = {"temporal_exploding_gradient", EXPLODING, "non_finite", "dead_relu"}
        causes = {"recurrence", "initialisation"}
        yield _twin("recurrent_gain_4_relu", changed, problems, causes)


def _spoiled_data(family: str, spec: Spec) -> Iterator[Twin]:
    if family != "mlp" or spec["data"]["task"] != "clusters" or _depth(spec) > 4:
        return
    x, y = _sample()
    holes = x.copy()
    holes[::97, 3] = np.nan
    with_nan = {"task": "classification", "x": _npy(holes), "y": _npy(y)}
    yield _twin("nan_in_data", spec | {"data": with_nan}, {"non_finite"}, {"data"})
    random = np.random.default_rng(1).permutation(y)
    shuffled = {"task": "classification", "x": _npy(x), "y": _npy(random)}
    problems, causes = {"stalled_training"}, {"labels", "data"}
    yield _twin("random_labels", spec | {"data": shuffled}, problems, causes)


MUTATIONS = (
    _weights_too_small,
    _weights_too_large,
    _default_weights,
    _sigmoid,
    _deeper,
    _norm_without_skips,
    _norms_removed,
    _skips_removed,
    _unscaled_residual,
    _learning_rate,
    _negative_biases,
    _decay,
    _zero_weights,
    _precision,
    _scales,
    _loss_scale,
    _clipping,
    _forgetting,
    _exploding_memory,
    _spoiled_data,
)


def _entries(spec: Spec) -> Iterator[dict[str, Any]]:
    """Every layer as it is written, outer ones first."""

    def walk(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for entry in entries:
            yield entry
            yield from walk(entry.get("body", []))

    yield from walk(spec["model"])


def _has(spec: Spec, *kinds: str) -> bool:
    return any(entry.get("type") in kinds for entry in _entries(spec))


def _depth(spec: Spec) -> int:
    """Weighted layers of the trunk."""

    def count(entries: list[dict[str, Any]]) -> int:
        return sum(
            entry.get("repeat", 1) * count(entry.get("body", []))
            + (entry.get("type") in {"Linear", "Conv2d"})
            for entry in entries
        )

    return count(spec["model"]) - 1


def _width(spec: Spec) -> int:
    fans = [
        entry.get("out_features", 0)
        or entry.get("out_channels", 0) * entry.get("kernel_size", 0) ** 2
        for entry in _entries(spec)
    ]
    return max(fans)


def _with_rules(spec: Spec, rules: list[dict[str, Any]]) -> Spec:
    changed = copy.deepcopy(spec)
    changed["init"] += rules
    return changed


def _weights(spec: Spec, **rule: Any) -> Spec:
    kind = "Conv2d" if _has(spec, "Conv2d") else "Linear"
    return _with_rules(spec, [{"match": f"{kind}.weight", **rule}])


def _training(spec: Spec, *, lr: float) -> Spec:
    return _optimizer(spec, lr=spec["training"]["optimizer"]["lr"] * lr)


def _optimizer(spec: Spec, **changes: Any) -> Spec:
    changed = copy.deepcopy(spec)
    changed["training"]["optimizer"] |= changes
    return changed


def _replaced(spec: Spec, activation: dict[str, Any]) -> Spec:
    changed = copy.deepcopy(spec)
    for entry in _entries(changed):
        if entry.get("type") in ACTIVATIONS:
            entry.clear()
            entry.update(activation)
    return changed


def _without(spec: Spec, kinds: tuple[str, ...]) -> Spec:
    changed = copy.deepcopy(spec)
    for entry in _entries(changed):
        if "body" in entry:
            entry["body"] = [e for e in entry["body"] if e.get("type") not in kinds]
    return changed


def _sample() -> tuple[np.ndarray, np.ndarray]:
    """The task `clusters`, drawn once."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((12, 16), np.float32)
    blob = random.integers(12, size=1024)
    noise = 0.35 * random.standard_normal((1024, 16), np.float32)
    return centres[blob] + noise, blob % 4


def _npy(array: np.ndarray) -> dict[str, str]:
    stream = io.BytesIO()
    np.save(stream, array)
    return {"npy": base64.b64encode(stream.getvalue()).decode()}
