"""Hostile sizes are refused before anything is expanded."""

import time
from typing import Any

import pytest

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from tests.support.specs import LINEAR, classify, problems_in

# Far above what a refusal takes, far below what expanding would.
SECONDS = 5.0


def nested(times: int, **key: Any) -> list[Any]:
    layers: list[Any] = [LINEAR]
    for _ in range(times):
        layers = [{**key, "body": layers}]
    return layers


def doubling(levels: int) -> dict[str, Any]:
    """Definitions that each use the next one twice."""
    define = {
        f"d{level}": {"body": [{"ref": f"d{level + 1}"}] * 2} for level in range(levels)
    }
    return {**define, f"d{levels}": {"body": [LINEAR]}}


def growing_arguments(levels: int) -> dict[str, Any]:
    """Definitions that each pass on a body twice as long as their own."""
    define = {
        f"d{level}": {
            "params": {"block": [LINEAR]},
            "body": [
                {
                    "ref": f"d{level + 1}",
                    "args": {"block": [{"repeat": 2, "body": "$block"}]},
                }
            ],
        }
        for level in range(levels)
    }
    return {**define, f"d{levels}": {"params": {"block": []}, "body": "$block"}}


HOSTILE = {
    "a-million-layers": classify(*[LINEAR] * 10**6),
    "a-billion-repeats": classify({"repeat": 10**9, "body": [LINEAR]}),
    "repeats-beyond-numbers": classify({"repeat": 10**400, "body": [LINEAR]}),
    "repeats-of-repeats": classify(
        {
            "repeat": 10**6,
            "body": [{"repeat": 10**6, "body": [{"repeat": 10**6, "body": [LINEAR]}]}],
        }
    ),
    "repeats-of-nothing": classify({"repeat": 10**9, "body": []}),
    "nested-residuals": classify(*nested(10_000, type="Residual")),
    "nested-repeats": classify(*nested(10_000, repeat=1)),
    "nested-in-a-definition": classify(
        {"ref": "deep"}, define={"deep": {"body": nested(10_000, repeat=1)}}
    ),
    "doubling-definitions": classify({"ref": "d0"}, define=doubling(30)),
    "a-definition-of-itself": classify(
        {"ref": "a"}, define={"a": {"body": [{"ref": "a"}, {"ref": "a"}]}}
    ),
    "definitions-in-a-circle": classify(
        {"ref": "a"},
        define={"a": {"body": [{"ref": "b"}]}, "b": {"body": [{"ref": "a"}]}},
    ),
    "growing-arguments": classify({"ref": "d0"}, define=growing_arguments(31)),
    "many-empty-bodies": classify(
        {"ref": "a"},
        define={"a": {"body": [{"ref": "b"}] * 1000}, "b": {"body": [{"ref": "c"}] * 9}}
        | {"c": {"body": []}},
    ),
    "a-million-branches": classify({"type": "Parallel", "branches": [[]] * 10**6}),
    "a-million-wrong-branches": classify({"type": "Parallel", "branches": [1] * 10**6}),
    "a-million-layers-after": classify(
        {"type": "Residual", "body": [LINEAR], "post": [LINEAR] * 10**6}
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_too_many_or_too_deep_is_refused_at_once(name):
    started = time.process_time()

    (problem,) = problems_in(HOSTILE[name])

    assert time.process_time() - started < SECONDS
    assert problem.pointer == "/model"


LARGE = {
    "a-trillion-parameters": classify(
        {"type": "Linear", "out_features": 10**6},
        {"type": "Linear", "out_features": 10**6},
    ),
    "stacked-recurrence": {
        "data": {"task": "recall"},
        "model": [{"type": "LSTM", "hidden_size": 4, "num_layers": 2**31}, LINEAR],
    },
    "a-huge-number": classify({"type": "Linear", "out_features": 10**5000}),
    "a-long-key": classify({**LINEAR, "k" * 10**6: 1}),
    "a-long-type": classify({"type": "L" * 10**6}),
    "a-long-match": classify(init=[{"match": "*a" * 10**5, "value": 0.0}]),
    "many-definitions": classify(
        {"ref": "x"}, define={f"d{i}": {"body": [LINEAR]} for i in range(10**5)}
    ),
    "many-rules": classify(init=[{"match": "*", "value": 0.0}] * 10**5),
    "many-seeds": classify(probe={"seeds": [0] * 10**6}),
    "many-steps": classify(probe={"steps": [0] * 10**6}),
    "many-sizes": classify({"type": "LayerNorm", "normalized_shape": [4] * 10**6}),
    "deep-value": classify({"type": "Linear", "out_features": nested(10_000)}),
    "many-mistakes": classify(*[{"type": "Linear", "outfeatures": 4}] * 1_999),
}


@pytest.mark.parametrize("name", LARGE)
def test_other_excesses_are_refused_at_once(name):
    started = time.process_time()

    problems = problems_in(LARGE[name])

    assert time.process_time() - started < SECONDS
    assert 1 <= len(problems) <= 20
    assert all(len(problem.message) < 2_000 for problem in problems)


def test_the_largest_network_that_is_allowed_resolves_quickly():
    started = time.process_time()

    network = resolve(classify({"repeat": 1_999, "body": [LINEAR]}))

    assert time.process_time() - started < SECONDS
    assert len(network.nodes) == 2_000


def test_many_rules_on_many_layers_are_matched_quickly():
    rule = {"match": "*a*b*c*d*weight", "fn": "xavier_normal_"}
    started = time.process_time()

    resolve(classify({"repeat": 1_000, "body": [LINEAR]}, init=[rule] * 64))

    assert time.process_time() - started < SECONDS


def test_rewrites_of_a_checked_spec_are_not_limited():
    network = resolve(classify({"repeat": 2_500, "body": [LINEAR]}), UNLIMITED)

    assert len(network.nodes) == 2_501
