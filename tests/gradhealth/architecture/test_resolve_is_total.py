"""Whatever is sent: a network, or problems with a place. Nothing else, and quickly."""

import copy
import time
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradhealth.architecture.network import resolve
from gradhealth.schemas.entry import LAYERS
from gradhealth.theory.gains import predict
from tests.support.specs import problems_in, value_at

LINEAR = {"type": "Linear", "out_features": 4}
CONV = {"type": "Conv2d", "out_channels": 8, "kernel_size": [3, 3], "padding": "same"}
SPECS: list[dict[str, Any]] = [
    {
        "spec_version": 1,
        "define": {
            "block": {
                "params": {"w": 8, "act": "ReLU", "n": 2},
                "body": [
                    {
                        "repeat": "$n",
                        "body": [
                            {"type": "Linear", "out_features": "$w"},
                            {"type": "$act"},
                        ],
                    }
                ],
            },
            "outer": {
                "params": {"k": 3},
                "body": [
                    {"ref": "block", "args": {"w": "$k"}},
                    {"type": "Residual", "body": [{"ref": "block", "args": {"w": 5}}]},
                ],
            },
        },
        "data": {"task": "clusters", "noise": 0.5, "scale": 2.0},
        "model": [{"ref": "outer", "args": {"k": 5}}, {"ref": "block"}, LINEAR],
        "training": {"optimizer": {"type": "Adam", "betas": [0.9, 0.99]}},
    },
    {
        "data": {"task": "images", "channels": 3, "size": 8},
        "model": [
            CONV,
            {
                "type": "Parallel",
                "merge": "cat",
                "branches": [
                    [{"type": "Conv2d", "out_channels": 4, "kernel_size": 1}],
                    [
                        {
                            "type": "AvgPool2d",
                            "kernel_size": 3,
                            "stride": 1,
                            "padding": 1,
                        }
                    ],
                ],
            },
            {
                "type": "Residual",
                "body": [{**CONV, "stride": 2, "padding": 1}, {"type": "BatchNorm2d"}],
                "post": [{"type": "ReLU"}],
            },
            {"type": "ConvTranspose2d", "out_channels": 4, "kernel_size": 2},
            {"type": "GroupNorm", "num_groups": 2},
            {"type": "MaxPool2d", "kernel_size": 2},
            {"type": "Flatten"},
            LINEAR,
        ],
        "init": [
            {"match": "Conv2d.weight", "fn": "kaiming_normal_", "mode": "fan_out"},
            {"match": "*.bias", "value": 0.0},
        ],
    },
    {
        "input": {"tokens": 6, "vocab_size": 9},
        "model": [
            {"type": "Embedding", "embedding_dim": 8},
            {"type": "PositionalEmbedding", "std": 0.2},
            {"type": "TransformerEncoderLayer", "nhead": 2, "dim_feedforward": 16},
            {"type": "SelfAttention", "num_heads": 2, "qk_scale": 2.0},
            {"type": "Highway", "body": [{"type": "GELU"}]},
            {"type": "Linear", "out_features": 9},
        ],
    },
    {
        "data": {"task": "recall", "length": 10},
        "model": [
            {"type": "LSTM", "hidden_size": 6, "num_layers": 2, "proj_size": 3},
            {"type": "GRU", "hidden_size": 5, "bidirectional": True},
            {"type": "RMSNorm"},
            {"type": "Conv1d", "out_channels": 4, "kernel_size": 3},
            {"type": "RNN", "hidden_size": 4, "return": "last"},
            LINEAR,
        ],
        "init": [
            {"match": "LSTM.forget_bias", "value": 1.0},
            {"match": "*weight_hh*", "fn": "orthogonal_", "gain": 0.9},
        ],
        "training": {"schedule": {"type": "cosine"}, "clip_grad_norm": 1.0},
        "probe": {"seeds": [1], "samples": 20, "steps": [0, 5]},
    },
]
ODDITIES: list[Any] = [
    *(None, True, 0, 1, 2, -1, 7, 10**6, 2**31, 2**63, 10**400, 0.0, 0.5, -1.0, 1e308),
    *("", "$w", "$", "auto", "same", "ReLU", "last", "\0", "~/", "a" * 300),
    *([], [1], [3, 3], [[]], {}, {"a": 1}, {"type": "ReLU"}, [{"type": "ReLU"}]),
    *({"ref": "block"}, {"repeat": 10**9, "body": [LINEAR]}),
]
KEYS = ["body", "ref", "args", "value", "gain", "kernel_size", "x/y~z", "task", "type"]
# Far above what a spec of this size takes on a busy machine.
SECONDS = 3.0


def places(here: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything inside."""
    pairs: Any = ()
    if isinstance(here, dict):
        pairs = here.items()
    elif isinstance(here, list):
        pairs = enumerate(here)
    for key, value in pairs:
        yield (*at, key)
        yield from places(value, (*at, key))


def mutate(document: dict[str, Any], random: Random) -> None:
    """Changes one thing somewhere."""
    found = list(places(document))
    if not found:
        return
    *above, key = random.choice(found)
    parent: Any = document
    for step in above:
        parent = parent[step]
    layer = {"type": random.choice(list(LAYERS))}
    match random.randrange(6):
        case 0 | 1:
            parent[key] = copy.deepcopy(random.choice(ODDITIES))
        case 2:
            del parent[key]
        case 3 if isinstance(parent, list):
            parent.insert(key, layer)
        case 3 | 4 if isinstance(parent, dict):
            parent[random.choice(KEYS)] = copy.deepcopy(random.choice(ODDITIES))
        case _:
            parent[key] = layer


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    random = Random(draw(st.integers(0, 2**32)))
    document = copy.deepcopy(random.choice(SPECS))
    for _ in range(draw(st.integers(0, 4))):
        mutate(document, random)
    return document


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(documents())
def test_a_mutated_spec_is_resolved_or_refused_with_places(document: dict[str, Any]):
    started = time.perf_counter()

    problems = problems_in(document)

    assert time.perf_counter() - started < SECONDS
    for problem in problems:
        value_at(document, problem.pointer)
        assert problem.message


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(documents())
def test_theory_answers_for_every_spec_that_resolves(document: dict[str, Any]):
    if problems_in(document):
        return
    network = resolve(document)

    theory = predict(network)

    assert [layer.path for layer in theory.layers] == [
        node.path for node in network.stations
    ]
    assert theory.backward_gain is not None or theory.caveats
    assert theory.model_dump_json().count("NaN") == 0
