"""Data tasks: defaults, shapes and bounds."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gradhealth.layers.base import Signal
from gradhealth.schemas.data import Data

ADAPTER: TypeAdapter[Data] = TypeAdapter(Data)


@pytest.mark.parametrize(
    ("task", "signal"),
    [
        ("clusters", Signal((16,))),
        ("images", Signal((1, 12, 12))),
        ("regression", Signal((8,))),
        ("reconstruction", Signal((16,))),
        ("recall", Signal((40, 8))),
        ("adding", Signal((40, 2))),
        ("markov_lm", Signal((16,), 12)),
        ("digits", None),
    ],
)
def test_each_task_has_the_documented_shape(task, signal):
    data = ADAPTER.validate_python({"task": task})

    assert data.signal() == signal
    assert not data.standardize


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"task": "cluster"},
        {"task": "clusters", "n": 1},
        {"task": "clusters", "n": 65_537},
        {"task": "clusters", "classes": 1},
        {"task": "clusters", "noise": -0.1},
        {"task": "images", "size": 0},
        {"task": "adding", "length": 1},
        {"task": "markov_lm", "vocab_size": 1},
        {"task": "recall", "lag": 0},
        {"task": "digits", "n": 10},
        {"task": "classification"},
        {"task": "classification", "x": {"npy": ""}},
        {"task": "classification", "x": [[1.0]], "y": [0]},
    ],
)
def test_tasks_that_cannot_be_drawn_are_refused(data):
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(data)


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        ({"task": "clusters", "n": 10, "features": 5}, (10 + 12) * 5),
        ({"task": "images", "n": 10, "size": 3}, 90),
        ({"task": "recall", "n": 10, "length": 4, "features": 4}, 160),
    ],
)
def test_tasks_know_how_much_they_draw(data, numbers):
    assert ADAPTER.validate_python(data).num_drawn == numbers  # type: ignore[union-attr]
