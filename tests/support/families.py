"""Specs of every family, as people write them, for tests that rewrite specs."""

from gradhealth.schemas.finding import Cause, Finding
from tests.support.networks import inline

SGD = {"optimizer": {"type": "SGD", "lr": 0.1}, "steps": 200, "batch_size": 64}
XAVIER = [
    {"match": "Linear.weight", "fn": "xavier_normal_"},
    {"match": "Linear.bias", "fn": "zeros_"},
]
RELU, SIGMOID, TANH = {"type": "ReLU"}, {"type": "Sigmoid"}, {"type": "Tanh"}


def finding(problem="vanishing_gradient", cause="unknown", **fields):
    """A critical finding, of which the fixes read problem, cause and evidence."""
    described = {
        "problem": problem,
        "severity": "critical",
        "confidence": 0.9,
        "cause": Cause(kind=cause, text="because"),
        "explanation": "it is so",
    }
    return Finding(**(described | fields))


def linear(width=16):
    return {"type": "Linear", "out_features": width}


def mlp(*body, repeat=12, width=16, **spec):
    """`repeat` turns of a Linear and the given layers, then a read-out."""
    return {
        "input": {"shape": [16]},
        "model": [{"repeat": repeat, "body": [linear(width), *body]}, linear(4)],
        "training": SGD,
    } | spec


def recurrent(layer, **spec):
    """A recurrent layer that has to recall over 20 steps."""
    return {
        "data": {"task": "recall", "length": 20},
        "model": [{"hidden_size": 8, "return": "last"} | layer, linear(4)],
    } | spec


CONV = {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}
POOLED = [{"type": "AdaptiveAvgPool2d", "output_size": 1}, {"type": "Flatten"}]
ATTENTION = {"type": "SelfAttention", "num_heads": 2}
FEED_FORWARD = [{"type": "LayerNorm"}, linear(32), {"type": "GELU"}, linear(8)]
ENCODER = {"type": "TransformerEncoderLayer", "nhead": 2, "dropout": 0.0}
EMBEDDING = {"type": "Embedding", "embedding_dim": 8}
IMAGES = {"shape": [1, 8, 8]}
TOKENS = {"tokens": 6, "vocab_size": 8}


def residual(*body, **fields):
    return {"type": "Residual", "body": [*body]} | fields


def repeated(times, *body):
    return {"repeat": times, "body": [*body]}


FAMILIES = {
    "mlp with a repeat": mlp(SIGMOID, init=XAVIER),
    "mlp with batch norm and few samples a batch": mlp(
        {"type": "BatchNorm1d"}, RELU, training=SGD | {"batch_size": 8}
    ),
    "mlp written out": {
        "input": {"shape": [16]},
        "model": [*[linear(), TANH] * 8, linear(4)],
    },
    "mlp whose first layer changes the width": mlp(RELU, width=24),
    "mlp with explicit sizes": {
        "input": {"shape": [16]},
        "model": [
            repeated(9, linear() | {"in_features": 16}, RELU),
            linear(4) | {"in_features": 16},
        ],
    },
    "linear network": mlp(),
    "cnn": {
        "input": IMAGES,
        "model": [
            CONV,
            RELU,
            {"type": "MaxPool2d", "kernel_size": 2},
            repeated(9, CONV, RELU),
            *POOLED,
            linear(4),
        ],
    },
    "cnn that reads out by a convolution": {
        "input": IMAGES,
        "model": [CONV, RELU, CONV | {"out_channels": 4}, *POOLED],
    },
    "cnn with small batches": {
        "input": IMAGES,
        "model": [repeated(3, CONV, RELU), *POOLED, linear(4)],
        "training": {"batch_size": 2},
    },
    "resnet with norms": {
        "input": IMAGES,
        "model": [
            CONV,
            repeated(
                8, residual(CONV, {"type": "BatchNorm2d"}, RELU, CONV, post=[RELU])
            ),
            *POOLED,
            linear(4),
        ],
    },
    "resnet without norms": mlp(residual(linear(), RELU), repeat=8),
    "rnn": recurrent({"type": "RNN"}, training=SGD),
    "lstm": recurrent({"type": "LSTM"}),
    "gru": recurrent({"type": "GRU", "num_layers": 2, "bidirectional": True}),
    "transformer written out": {
        "input": TOKENS,
        "model": [
            EMBEDDING,
            {"type": "PositionalEmbedding"},
            repeated(
                3,
                residual({"type": "LayerNorm"}, ATTENTION),
                residual(*FEED_FORWARD),
            ),
            linear(8),
        ],
        "training": {"optimizer": {"type": "Adam", "lr": 0.01}},
    },
    "transformer of torch": {
        "input": TOKENS,
        "model": [EMBEDDING, repeated(3, ENCODER), linear(8)],
    },
    "autoencoder": {
        "data": {"task": "reconstruction"},
        "model": [
            *[linear(12), SIGMOID, linear(4), SIGMOID, linear(12), SIGMOID],
            linear(16),
        ],
    },
    "definitions": {
        "input": {"shape": [16]},
        "define": {
            "block": {
                "params": {"act": "Sigmoid", "width": 16},
                "body": [
                    {"type": "Linear", "out_features": "$width"},
                    {"type": "$act"},
                ],
            },
            "any": {"params": {"layer": SIGMOID}, "body": [linear(), "$layer"]},
            "unused": {"body": [linear(), SIGMOID]},
        },
        "model": [
            repeated(6, {"ref": "block"}),
            {"ref": "block", "args": {"act": "Tanh"}},
            {"ref": "any"},
            linear(4),
        ],
    },
    "lists as parameters": {
        "input": {"shape": [16]},
        "define": {
            "skip": {
                "params": {"layers": [linear(), TANH]},
                "body": [residual() | {"body": "$layers"}],
            }
        },
        "model": [repeated(8, {"ref": "skip"}), linear(4)],
    },
    "recurrent layer that reads out": {
        "data": {"task": "recall", "length": 20, "classes": 4},
        "model": [linear(8), TANH, {"type": "RNN", "hidden_size": 4, "return": "last"}],
    },
    "gated feed-forward": {
        "input": {"shape": [16]},
        "model": [
            repeated(
                4,
                {
                    "type": "Parallel",
                    "branches": [[linear(), SIGMOID], [linear()]],
                    "merge": "mul",
                },
                TANH,
            ),
            {"type": "Highway", "body": [linear(), RELU]},
            linear(4),
        ],
    },
    "output that squashes": {
        "input": {"shape": [16]},
        "model": [linear(), RELU, linear(4), SIGMOID],
        "training": {"loss": "bce"},
    },
    "everything set wrongly": mlp(
        RELU,
        data={"task": "clusters", "scale": 50.0, "shift": 9.0},
        init=[
            {"match": "*.weight", "fn": "normal_", "std": 1.0},
            {"match": "Linear.*bias", "fn": "constant_", "val": -8.0},
        ],
        training={
            "optimizer": {"type": "SGD", "lr": 30.0, "weight_decay": 1.0},
            "clip_grad_norm": 1e-5,
            "clip_grad_value": 0.1,
            "l1": 0.1,
            "loss": "nll_of_softmax",
            "loss_scale": 100.0,
            "precision": "bfloat16",
        },
    ),
    "data with samples that are not numbers": {
        "data": {
            "task": "regression_data",
            "x": inline([[0.5], [float("nan")], [1.5], [2.5]]),
            "y": inline([1.0, 2.0, float("inf"), 4.0]),
        },
        "model": [linear(), RELU, linear(1)],
    },
    "rate far too small": {
        "data": {"task": "regression", "target_scale": 1000.0},
        "model": [linear(), RELU, linear(1)],
        "training": {"optimizer": {"type": "AdamW", "lr": 1e-9}},
    },
}
