"""RFC 6902 patches between JSON documents."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradhealth.documents.patch import diff
from tests.support.json_patch import apply

LINEAR, SIGMOID, RELU = ({"type": t} for t in ("Linear", "Sigmoid", "ReLU"))
NORM = {"type": "BatchNorm1d"}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a/b", "~"]),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.sampled_from("abc/~"), inner, max_size=4)
    ),
    max_leaves=20,
)


def exact(value):
    """Tells true from 1, which Python's equality does not."""
    return repr(value)


@settings(max_examples=100, deadline=None)
@given(values, values)
def test_the_patch_of_two_documents_leads_from_one_to_the_other(before, after):
    def ordered(value):
        if isinstance(value, dict):
            return {key: ordered(value[key]) for key in sorted(value)}
        return [*map(ordered, value)] if isinstance(value, list) else value

    assert exact(ordered(apply(before, diff(before, after)))) == exact(ordered(after))


@settings(max_examples=30, deadline=None)
@given(values)
def test_equal_documents_have_no_difference(value):
    assert diff(value, value) == []


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        pytest.param(
            {"lr": 0.1, "type": "SGD"},
            {"lr": 0.01, "type": "SGD"},
            [{"op": "replace", "path": "/lr", "value": 0.01}],
            id="a value that changed",
        ),
        pytest.param(
            [LINEAR, SIGMOID, LINEAR, SIGMOID],
            [LINEAR, NORM, SIGMOID, LINEAR, NORM, SIGMOID],
            [
                {"op": "add", "path": "/1", "value": NORM},
                {"op": "add", "path": "/4", "value": NORM},
            ],
            id="elements put between others",
        ),
        pytest.param(
            [LINEAR, SIGMOID, {"repeat": 2, "body": [SIGMOID]}],
            [LINEAR, NORM, RELU, {"repeat": 2, "body": [RELU]}],
            [
                {"op": "replace", "path": "/1", "value": NORM},
                {"op": "add", "path": "/2", "value": RELU},
                {"op": "replace", "path": "/3/body/0", "value": RELU},
            ],
            id="an element that changed behind one that was added",
        ),
        pytest.param(
            [LINEAR, NORM, SIGMOID, RELU],
            [LINEAR, SIGMOID, LINEAR],
            [
                {"op": "remove", "path": "/1"},
                {"op": "replace", "path": "/2", "value": LINEAR},
            ],
            id="an element taken out before one that changed",
        ),
        pytest.param(
            [LINEAR, SIGMOID] * 20 + [RELU],
            [LINEAR, SIGMOID] * 19 + [RELU],
            [{"op": "remove", "path": "/0"}, {"op": "remove", "path": "/0"}],
            id="a long list made shorter",
        ),
        pytest.param(
            {"a/b": 1, "~": 2, "c": 0},
            {"~": 3, "c": 0},
            [
                {"op": "remove", "path": "/a~1b"},
                {"op": "replace", "path": "/~0", "value": 3},
            ],
            id="keys that need escapes",
        ),
        pytest.param(
            True, 1, [{"op": "replace", "path": "", "value": 1}], id="true is not 1"
        ),
    ],
)
def test_says_what_changed_and_no_more(before, after, patch):
    assert diff(before, after) == patch
