"""A spec's defaults, and what stands for the shape of the input."""

import pytest
from pydantic import ValidationError

from gradhealth.layers.base import Signal
from gradhealth.schemas.spec import Input, Spec
from gradhealth.schemas.training import SGD

MODEL = [{"type": "Linear", "out_features": 4}]


def test_a_model_is_all_that_is_needed():
    spec = Spec.model_validate({"model": MODEL})

    assert (spec.spec_version, spec.name, spec.input, spec.data) == (1, "", None, None)
    assert (spec.define, spec.init) == ({}, [])


def test_training_and_probe_have_the_documented_defaults():
    spec = Spec.model_validate({"model": MODEL})

    assert spec.training.optimizer == SGD(lr=0.1)
    assert (spec.training.steps, spec.training.batch_size) == (200, 64)
    assert (spec.training.loss, spec.training.precision) == ("auto", "float32")
    assert spec.training.schedule.type == "constant"
    assert spec.probe.seeds == [0, 1, 2]
    assert (spec.probe.samples, spec.probe.steps) == (256, None)


def test_specs_cannot_be_changed():
    spec = Spec.model_validate({"model": MODEL})

    with pytest.raises(ValidationError, match="frozen"):
        spec.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "signal"),
    [
        ({"shape": [64]}, Signal((64,))),
        ({"shape": [3, 8, 8]}, Signal((3, 8, 8))),
        ({"tokens": 5, "vocab_size": 9}, Signal((5,), 9)),
    ],
)
def test_an_input_is_numbers_or_tokens(given, signal):
    assert Input.model_validate(given).signal() == signal


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"tokens": 5},
        {"vocab_size": 5},
        {"shape": [3], "tokens": 5},
        {"shape": [3], "tokens": 5, "vocab_size": 9},
        {"shape": []},
        {"shape": [0]},
        {"shape": [1, 1, 1, 1, 1]},
    ],
)
def test_an_input_is_not_both_or_neither(given):
    with pytest.raises(ValidationError):
        Input.model_validate(given)


def test_only_this_version_is_read():
    with pytest.raises(ValidationError):
        Spec.model_validate({"spec_version": 2, "model": MODEL})
