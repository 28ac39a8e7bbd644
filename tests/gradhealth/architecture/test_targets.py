"""The task made whole, and the loss, from what the spec says."""

from typing import Any

import numpy as np
import pytest

from gradhealth.architecture.network import resolve
from gradhealth.architecture.targets import needed_lag
from gradhealth.layers.base import Signal
from tests.support.networks import inline
from tests.support.specs import LINEAR, problems_in

FLATTEN = {"type": "Flatten"}


def linear(width: int) -> dict[str, Any]:
    return {"type": "Linear", "out_features": width}


def spec(data: dict[str, Any], *model: Any, **fields: Any) -> dict[str, Any]:
    return {"data": data, "model": list(model), **fields}


def classification(x: Any, y: Any) -> dict[str, Any]:
    return {"task": "classification", "x": inline(x), "y": inline(y)}


TWO = np.arange(10) % 2
LAST = {"type": "GRU", "hidden_size": 4, "return": "last"}


@pytest.mark.parametrize(
    ("document", "kind", "num_classes", "dims", "loss"),
    [
        (spec({"task": "clusters"}, linear(4)), "classes", 4, (), "cross_entropy"),
        (spec({"task": "digits"}, linear(10)), "classes", 10, (), "cross_entropy"),
        (spec({"task": "regression"}, linear(1)), "values", 0, (1,), "mse"),
        (spec({"task": "reconstruction"}, linear(16)), "values", 0, (16,), "mse"),
        (spec({"task": "adding"}, LAST, linear(1)), "values", 0, (1,), "mse"),
        (
            spec(
                {"task": "markov_lm"},
                {"type": "Embedding", "embedding_dim": 4},
                linear(12),
            ),
            "tokens",
            12,
            (16,),
            "cross_entropy",
        ),
        (
            spec(classification(np.zeros((10, 3)), TWO), linear(2)),
            "classes",
            2,
            (),
            "cross_entropy",
        ),
        (
            spec(
                {
                    "task": "regression_data",
                    "x": inline(np.zeros((10, 3))),
                    "y": inline(np.zeros(10)),
                },
                linear(1),
            ),
            "values",
            0,
            (1,),
            "mse",
        ),
        (
            spec(
                {
                    "task": "regression_data",
                    "x": inline(np.zeros((10, 3))),
                    "y": inline(np.zeros((10, 5))),
                },
                linear(5),
                training={"loss": "huber"},
            ),
            "values",
            0,
            (5,),
            "huber",
        ),
    ],
)
def test_each_task_has_its_target_and_loss(document, kind, num_classes, dims, loss):
    goal = resolve(document).goal

    assert (goal.kind, goal.num_classes, goal.dims) == (kind, num_classes, dims)
    assert goal.loss == loss


def test_digits_are_a_vector_unless_the_input_is_an_image():
    vector = resolve(spec({"task": "digits"}, linear(10)))
    image = resolve(
        spec({"task": "digits"}, FLATTEN, linear(10), input={"shape": [1, 8, 8]})
    )

    assert vector.input == Signal((64,))
    assert image.input == Signal((1, 8, 8))


def test_recall_looks_back_to_its_beginning_unless_told():
    model = [LAST, LINEAR]

    whole = resolve(spec({"task": "recall", "length": 9}, *model)).goal
    part = resolve(spec({"task": "recall", "length": 9, "lag": 2}, *model)).goal

    assert needed_lag(whole) == 9
    assert needed_lag(part) == 2


def test_other_tasks_need_no_lag():
    assert needed_lag(resolve(spec({"task": "clusters"}, LINEAR)).goal) is None


def test_more_outputs_than_classes_are_allowed():
    assert problems_in(spec({"task": "clusters"}, linear(9))) == []


@pytest.mark.parametrize("loss", ["bce", "bce_with_logits"])
def test_two_classes_may_have_one_output(loss):
    document = spec(
        {"task": "clusters", "classes": 2}, linear(1), training={"loss": loss}
    )

    assert problems_in(document) == []


def test_inline_samples_give_the_shape():
    document = spec(classification(np.zeros((10, 3, 8, 8)), TWO), FLATTEN, linear(2))

    assert resolve(document).input == Signal((3, 8, 8))


def tokens(x: Any, y: Any) -> dict[str, Any]:
    data = {"task": "language_model", "x": inline(x), "y": inline(y)}
    return spec(data, {"type": "Embedding", "embedding_dim": 4}, linear(7))


def test_inline_tokens_give_length_and_vocabulary():
    x = np.arange(12).reshape(4, 3) % 5

    network = resolve(tokens(x, x + 1))

    assert network.input == Signal((3,), 6)


def test_the_input_may_name_a_larger_vocabulary():
    x = np.arange(12).reshape(4, 3) % 5
    document = tokens(x, x) | {"input": {"tokens": 3, "vocab_size": 7}}

    assert resolve(document).goal.num_classes == 7


REFUSED = {
    "one-sample": (
        spec(classification(np.zeros((1, 3)), [0]), linear(2)),
        "/data/x/npy",
        "at least 2 samples",
    ),
    "no-features": (
        spec(classification(np.zeros(10), TWO), linear(2)),
        "/data/x/npy",
        "then the axes of one sample",
    ),
    "nothing-in-it": (
        spec(classification(np.zeros((10, 0)), TWO), linear(2)),
        "/data/x/npy",
        "[10, 0]",
    ),
    "other-number-of-targets": (
        spec(classification(np.zeros((10, 3)), TWO[:4]), linear(2)),
        "/data/y/npy",
        "one target a sample",
    ),
    "float-classes": (
        spec(classification(np.zeros((10, 3)), TWO * 1.0), linear(2)),
        "/data/y/npy",
        '"task": "regression_data"',
    ),
    "negative-class": (
        spec(classification(np.zeros((10, 3)), -TWO), linear(2)),
        "/data/y/npy",
        "class numbers from 0",
    ),
    "too-few-outputs": (
        spec(classification(np.zeros((10, 3)), TWO * 9), linear(2)),
        "/model",
        '"out_features": 10',
    ),
    "damaged": (
        spec(
            {
                "task": "classification",
                "x": {"npy": "AAAA"},
                "y": inline(TWO),
            },
            linear(2),
        ),
        "/data/x/npy",
        "not a .npy file",
    ),
    "eight-mib-together": (
        spec(
            {
                "task": "regression_data",
                "x": inline(np.zeros((2, 400_000))),
                "y": inline(np.zeros((2, 400_000), np.float32)),
            },
            linear(2),
        ),
        "/data",
        "8 MiB together",
    ),
    "float-tokens": (
        tokens(np.zeros((4, 3)), np.zeros((4, 3))),
        "/data",
        "int64 tokens",
    ),
    "other-tokens-length": (
        tokens(np.zeros((4, 3), int), np.zeros((4, 2), int)),
        "/data",
        "of the same shape",
    ),
    "negative-token": (
        tokens(np.zeros((4, 3), int), np.full((4, 3), -1)),
        "/data",
        "tokens go from -1",
    ),
    "token-outside-the-vocabulary": (
        tokens(np.zeros((4, 3), int), np.full((4, 3), 6))
        | {"input": {"tokens": 3, "vocab_size": 5}},
        "/data",
        "raise input.vocab_size",
    ),
    "digits-of-another-shape": (
        spec({"task": "digits"}, linear(10), input={"shape": [8, 8]}),
        "/input",
        "[64] or [1, 8, 8]",
    ),
    "recall-of-too-many-classes": (
        spec({"task": "recall", "features": 3, "classes": 4}, LAST, LINEAR),
        "/data",
        "at most features (3)",
    ),
    "recall-before-the-beginning": (
        spec({"task": "recall", "length": 5, "lag": 6}, LAST, LINEAR),
        "/data/lag",
        "at most length (5)",
    ),
    "one-output-for-cross-entropy": (
        spec({"task": "clusters", "classes": 2}, linear(1)),
        "/model",
        "2 classes need [2]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    document, pointer, message = REFUSED[name]

    (problem,) = problems_in(document)

    assert problem.pointer == pointer
    assert message in problem.message
