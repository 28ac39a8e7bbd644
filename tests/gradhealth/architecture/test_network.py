"""What a spec resolves to, and what is said about mistakes."""

from typing import Any

import pytest

from gradhealth.architecture.limits import Limits
from gradhealth.architecture.network import resolve
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.layers.base import Signal
from tests.support.specs import LINEAR, classify, problems_in, value_at


def linear(width: int) -> dict[str, Any]:
    return {"type": "Linear", "out_features": width}


RELU = {"type": "ReLU"}
CONV = {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": 1}
READ_IMAGE = [{"type": "AdaptiveAvgPool2d", "output_size": 1}, {"type": "Flatten"}]


def stations(document: dict[str, Any]) -> list[str]:
    return [node.path for node in resolve(document).stations]


def test_shapes_fold_through_the_layers():
    network = resolve(classify(linear(8), RELU, {"type": "Linear", "out_features": 6}))

    assert [node.input for node in network.nodes] == [
        Signal((16,)),
        Signal((8,)),
        Signal((8,)),
        Signal((6,)),
    ]
    assert network.output == Signal((4,))


def test_parameters_are_counted():
    network = resolve(classify(linear(8), {"type": "LayerNorm"}))

    assert network.num_parameters == (16 * 8 + 8) + (8 + 8) + (8 * 4 + 4)


def test_walking_visits_composites_before_what_is_inside():
    block = {"type": "Residual", "body": [linear(16), RELU], "post": [RELU]}

    paths = [node.path for node in resolve(classify(block)).walk()]

    assert paths == [
        "model.0",
        "model.0.body.0",
        "model.0.body.1",
        "model.0.post.0",
        "model.1",
    ]


def test_stations_are_the_trunk_before_the_read_out():
    block = {"type": "Residual", "body": [linear(16), RELU]}

    assert stations(classify(linear(16), RELU, block, RELU)) == ["model.0", "model.2"]


def test_a_read_out_may_have_several_linear_layers_in_a_row():
    assert stations(classify(linear(8), RELU, linear(8), linear(8))) == ["model.0"]


def test_layers_behind_the_read_out_do_not_make_it_a_station():
    model = [linear(8), RELU, linear(4), {"type": "Softmax"}]
    document = {
        "data": {"task": "clusters"},
        "model": model,
        "training": {"loss": "bce"},
    }

    assert stations(document) == ["model.0"]


def test_a_single_linear_layer_is_its_own_station():
    assert stations(classify()) == ["model.0"]


def test_convolutions_and_recurrent_layers_are_stations():
    images = {
        "data": {"task": "images"},
        "model": [CONV, RELU, CONV, *READ_IMAGE, LINEAR],
    }
    recall = {
        "data": {"task": "recall"},
        "model": [
            {"type": "LSTM", "hidden_size": 4},
            {"type": "GRU", "hidden_size": 4, "return": "last"},
            LINEAR,
        ],
    }

    assert stations(images) == ["model.0", "model.2"]
    assert stations(recall) == ["model.0", "model.1"]


DEFAULT_DATA = [
    ([5], [linear(3)], "clusters"),
    ([7, 5], [{"type": "MeanPool"}, linear(3)], "recall"),
    ([2, 6, 6], [{"type": "Flatten"}, linear(3)], "images"),
]


@pytest.mark.parametrize(("shape", "model", "task"), DEFAULT_DATA)
def test_the_task_follows_from_the_shapes(shape, model, task):
    goal = resolve({"input": {"shape": shape}, "model": model}).goal

    assert goal.data.task == task
    assert (goal.kind, goal.num_classes, goal.loss) == ("classes", 3, "cross_entropy")


def test_tokens_become_a_language_model():
    goal = resolve(
        {
            "input": {"tokens": 6, "vocab_size": 9},
            "model": [{"type": "Embedding", "embedding_dim": 4}, linear(9)],
        }
    ).goal

    assert goal.data.task == "markov_lm"
    assert (goal.kind, goal.num_classes, goal.dims) == ("tokens", 9, (6,))


def test_a_prefix_stands_before_every_pointer():
    document = classify({"type": "Linaer", "out_features": 4})

    (problem,) = problems_in(document, pointer="/spec")

    assert problem.pointer == "/spec/model/0/type"


# Every kind of mistake: the document, where it is, and what to write instead.
RESIDUAL = {"type": "Residual", "body": [linear(16)]}
MISTAKES = {
    "no-model": ({"data": {"task": "clusters"}}, "", "needs the key 'model'"),
    "empty-model": ({"model": []}, "/model", "at least 1 item"),
    "no-input": ({"model": [LINEAR]}, "", 'needs "input"'),
    "model-is-no-list": ({"model": {}}, "/model", "valid list"),
    "unknown-key": (classify(widht=3), "/widht", "unknown key 'widht'"),
    "near-key": (
        classify({"type": "Linear", "out_feature": 3}),
        "/model/0/out_feature",
        "did you mean 'out_features'?",
    ),
    "far-key": (
        classify({**LINEAR, "zzz": 3}),
        "/model/0/zzz",
        "known here: bias, in_features, out_features, type",
    ),
    "near-type": (
        classify({"type": "linear", "out_features": 3}),
        "/model/0/type",
        "did you mean 'Linear'?",
    ),
    "no-type": (classify({"out_features": 3}), "/model/0", "needs a 'type'"),
    "number-for-layer": (classify(3), "/model/0", "needs a 'type'"),
    "missing-size": (classify({"type": "Linear"}), "/model/0", "'out_features'"),
    "text-for-number": (
        classify({"type": "Linear", "out_features": "8"}),
        "/model/0/out_features",
        "valid integer",
    ),
    "float-for-integer": (
        classify({"type": "Linear", "out_features": 8.0}),
        "/model/0/out_features",
        "valid integer",
    ),
    "number-for-flag": (
        classify({**LINEAR, "bias": 1}),
        "/model/0/bias",
        "valid boolean",
    ),
    "zero-size": (classify(linear(0)), "/model/0/out_features", "greater than"),
    "wrong-size": (
        classify({**LINEAR, "in_features": 5}),
        "/model/0/in_features",
        "write 16 or leave in_features out",
    ),
    "probability": (
        classify({"type": "Dropout", "p": 1.5}),
        "/model/0/p",
        "less than or equal to 1",
    ),
    "wrong-rank": (classify(CONV), "/model/0", "[channels, height, width]"),
    "tokens-into-numbers": (
        {"input": {"tokens": 3, "vocab_size": 5}, "model": [LINEAR]},
        "/model/0",
        "put an Embedding before it",
    ),
    "numbers-into-embedding": (
        classify({"type": "Embedding", "embedding_dim": 4}),
        "/model/0",
        "Embedding takes tokens",
    ),
    "inside-repeat": (
        classify({"repeat": 3, "body": [linear(8), {**LINEAR, "in_features": 9}]}),
        "/model/0/body/1/in_features",
        "model.0.0.body.1",
    ),
    "inside-residual": (
        classify({"type": "Residual", "body": [{"type": "Linera"}]}),
        "/model/0/body/0/type",
        "did you mean 'Linear'?",
    ),
    "inside-branch": (
        classify({"type": "Parallel", "branches": [[], [CONV]]}),
        "/model/0/branches/1/0",
        "[channels, height, width]",
    ),
    "shortcut-of-another-shape": (
        classify({**RESIDUAL, "shortcut": [linear(3)]}),
        "/model/0",
        "make them agree",
    ),
    "unknown-ref": (classify({"ref": "blok"}), "/model/0/ref", "'blok'"),
    "near-ref": (
        classify({"ref": "blok"}, define={"block": {"body": [LINEAR]}}),
        "/model/0/ref",
        "did you mean 'block'?",
    ),
    "unknown-argument": (
        classify(
            {"ref": "block", "args": {"a/b~c": 1}}, define={"block": {"body": [LINEAR]}}
        ),
        "/model/0/args/a~1b~0c",
        "has no parameter 'a/b~c'",
    ),
    "unknown-parameter": (
        classify(
            {"ref": "block"},
            define={"block": {"params": {"width": 3}, "body": [linear("$with")]}},
        ),
        "/define/block/body/0/out_features",
        "did you mean 'width'?",
    ),
    "bad-argument": (
        classify(
            {"ref": "a/b", "args": {"width": "wide"}},
            define={"a/b": {"params": {"width": 3}, "body": [linear("$width")]}},
        ),
        "/define/a~1b/body/0/out_features",
        "valid integer",
    ),
    "repeat-without-body": (classify({"repeat": 2}), "/model/0", "'body'"),
    "repeat-of-nothing": (classify({"repeat": 2, "body": []}), "/model/0/body", "1"),
    "repeat-zero-times": (
        classify({"repeat": 0, "body": [LINEAR]}),
        "/model/0/repeat",
        "greater than",
    ),
    "unknown-task": (
        {"data": {"task": "cluster"}, "model": [LINEAR]},
        "/data/task",
        "did you mean 'clusters'?",
    ),
    "no-task": ({"data": {"n": 8}, "model": [LINEAR]}, "/data", "key 'task'"),
    "task-option": (
        {"data": {"task": "clusters", "feature": 8}, "model": [LINEAR]},
        "/data/feature",
        "did you mean 'features'?",
    ),
    "not-finite": (
        {"data": {"task": "clusters", "scale": float("inf")}, "model": [LINEAR]},
        "/data/scale",
        "finite",
    ),
    "input-and-data-disagree": (
        classify(input={"shape": [3]}),
        "/input",
        "make them agree or leave input out",
    ),
    "both-kinds-of-input": (
        {"input": {"shape": [3], "tokens": 4}, "model": [LINEAR]},
        "/input",
        "write either",
    ),
    "too-few-outputs": (
        {"data": {"task": "clusters", "classes": 7}, "model": [LINEAR]},
        "/model",
        '{"type": "Linear", "out_features": 7}',
    ),
    "sequence-for-one-class": (
        {"data": {"task": "recall"}, "model": [LINEAR]},
        "/model",
        '"return": "last"',
    ),
    "another-target": (
        {"data": {"task": "regression"}, "model": [LINEAR]},
        "/model",
        "end with a layer that gives [1]",
    ),
    "no-task-follows": (
        {"input": {"shape": [3]}, "model": [linear(1)]},
        "",
        'write "data"',
    ),
    "loss-for-another-target": (
        classify(training={"loss": "mse"}),
        "/training/loss",
        "use one of cross_entropy",
    ),
    "unknown-optimizer": (
        classify(training={"optimizer": {"type": "Adm"}}),
        "/training/optimizer/type",
        "did you mean 'Adam'?",
    ),
    "optimizer-option": (
        classify(training={"optimizer": {"type": "SGD", "betas": [0.9, 0.9]}}),
        "/training/optimizer/betas",
        "unknown key 'betas'",
    ),
    "nesterov-alone": (
        classify(training={"optimizer": {"type": "SGD", "nesterov": True}}),
        "/training/optimizer",
        "momentum above 0",
    ),
    "too-many-steps": (
        classify(training={"steps": 10**6}),
        "/training/steps",
        "at most 5000 steps",
    ),
    "too-large-batch": (
        classify(training={"batch_size": 5000}),
        "/training/batch_size",
        "at most 4096 samples",
    ),
    "probe-after-the-end": (
        classify(training={"steps": 10}, probe={"steps": [11]}),
        "/probe/steps",
        "from 0 to 10",
    ),
    "batch-norm-of-one": (
        classify({"type": "BatchNorm1d"}, training={"batch_size": 1}),
        "/training/batch_size",
        "at least 2 samples",
    ),
    "init-without-function": (
        classify(init=[{"match": "*"}]),
        "/init/0",
        "write either 'fn' or 'value'",
    ),
    "near-function": (
        classify(init=[{"match": "*", "fn": "xavier_norm_"}]),
        "/init/0/fn",
        "did you mean 'xavier_normal_'?",
    ),
    "function-s-argument": (
        classify(init=[{"match": "*", "fn": "normal_", "a": 1.0}]),
        "/init/0/a",
        "normal_ takes no 'a'",
    ),
    "function-needs": (
        classify(init=[{"match": "*", "fn": "constant_"}]),
        "/init/0",
        "needs 'val'",
    ),
    "function-s-range": (
        classify(init=[{"match": "*", "fn": "uniform_", "a": 2.0}]),
        "/init/0",
        "a must be at most b",
    ),
    "function-for-matrices": (
        classify(init=[{"match": "Linear.*", "fn": "xavier_normal_"}]),
        "/init/0",
        "narrow the match",
    ),
    "too-wide": (classify(linear(10**6), linear(10**6)), "/model", "narrower layers"),
    "too-large-a-sample": (
        {"input": {"shape": [1, 2000, 2000]}, "model": [CONV, *READ_IMAGE, LINEAR]},
        "/input",
        "at most 1,048,576 elements",
    ),
    "too-many-activations": (
        {
            "input": {"shape": [1, 1000, 1000]},
            "model": [{**CONV, "out_channels": 64}, *READ_IMAGE, LINEAR],
        },
        "/model",
        "use a smaller batch",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_write(name):
    document, pointer, message = MISTAKES[name]

    problem = problems_in(document)[0]

    assert problem.pointer == pointer
    assert message in problem.message
    value_at(document, problem.pointer)


def test_independent_mistakes_are_reported_together():
    problems = problems_in(classify({"type": "Linear"}, {"type": "Tahn"}))

    assert [problem.pointer for problem in problems] == ["/model/0", "/model/1/type"]


def test_at_most_twenty_mistakes_are_reported():
    assert len(problems_in(classify(*[{"type": "Tahn"}] * 100))) == 20


def test_what_was_left_out_is_not_pointed_at():
    document = {"data": {"task": "clusters", "features": 2**20}, "model": [LINEAR]}

    (problem,) = problems_in(document)

    assert problem.pointer == "/data"


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        (Limits(steps=10), ""),
        (Limits(batch_size=10), ""),
        (Limits(layers=1), "/model"),
        (Limits(parameters=10), "/model"),
        (Limits(sample_size=10), "/data"),
        (Limits(batch_activations=10), "/model"),
        (Limits(drawn_numbers=10), "/data"),
    ],
)
def test_every_limit_is_a_setting(limits, pointer):
    document = classify(linear(4))

    with pytest.raises(InvalidDocumentError) as caught:
        resolve(document, limits)

    assert caught.value.problems[0].pointer == pointer
