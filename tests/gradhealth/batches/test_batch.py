import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradhealth.batches.batch import Batch
from gradhealth.exceptions import InvalidDocumentError


def masked(values):
    """A series from numbers and None."""
    table = np.array(values, dtype=object)
    mask = np.vectorize(lambda value: value is None, otypes=[bool])(table)
    return np.ma.masked_array(np.where(mask, 0.0, table).astype(float), mask)


def batch(**changes):
    parts = {
        "sequence": 3,
        "steps": np.array([10, 11, 12]),
        "series": {"loss": masked([0.5, None, float("nan")])},
        "layer_series": {
            "grad_norm": masked([[1.5, 2.0], [float("inf"), None], [0.0, 1e-30]]),
            "update_ratio": masked([[None, None], [None, 1e-3], [None, None]]),
        },
    }
    return Batch(**(parts | changes))


def assert_same(one, other, rtol=1e-6):
    assert one.sequence == other.sequence
    assert one.steps.tolist() == other.steps.tolist()
    for group in ("series", "layer_series"):
        ours, theirs = getattr(one, group), getattr(other, group)
        assert ours.keys() == theirs.keys()
        for name in ours:
            mask = np.ma.getmaskarray(ours[name])
            assert mask.tolist() == np.ma.getmaskarray(theirs[name]).tolist(), name
            np.testing.assert_allclose(ours[name][~mask], theirs[name][~mask], rtol)


def test_the_binary_form_keeps_everything_to_float32():
    assert_same(Batch.from_binary(batch().to_binary()), batch())


def test_a_batch_without_numbers_is_one_too():
    empty = batch(steps=np.zeros(0, int), series={}, layer_series={})

    assert_same(Batch.from_binary(empty.to_binary()), empty)


def test_rows_and_layers_in_which_nothing_was_measured_take_no_space():
    steps, layers = np.arange(50), 100
    table = np.ma.masked_all((50, layers))
    table[0, ::2] = 1.0

    body = batch(steps=steps, series={}, layer_series={"x": table}).to_binary()

    (length,) = struct.unpack_from("<I", body)
    assert len(body) - 4 - length == 4 * layers / 2


def test_the_text_form_has_null_where_nothing_was_measured_and_names_for_the_rest():
    document = json.loads(batch().to_json())

    assert document == {
        "sequence": 3,
        "steps": [10, 11, 12],
        "series": {"loss": [0.5, None, "NaN"]},
        "layer_series": {
            "grad_norm": [[1.5, 2.0], ["Infinity", None], [0.0, 1e-30]],
            "update_ratio": [[None, None], [None, 0.001], [None, None]],
        },
    }


@given(st.floats(width=32))
def test_the_text_form_keeps_six_digits_of_any_number(number):
    text = batch(series={"x": masked([number] * 3)}, layer_series={}).to_json()

    value = float(json.loads(text)["series"]["x"][0])
    np.testing.assert_allclose(value, number, rtol=1e-5)


CORRUPT = {
    "nothing": b"",
    "no header": struct.pack("<I", 0),
    "a header longer than the body": struct.pack("<I", 99) + b"{}",
    "no JSON": struct.pack("<I", 4) + b"{{{{",
    "values cut short": batch().to_binary()[:-4],
    "half a value": batch().to_binary()[:-2],
    "a value too many": batch().to_binary() + b"\0\0\0\0",
}


def with_header(**changes):
    header = {"sequence": 0, "steps": [0], "num_layers": 1, "columns": []} | changes
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text


CORRUPT |= {
    "steps that go back": with_header(steps=[2, 1]),
    "more cells than fit": with_header(
        num_layers=2**40, columns=[{"name": "x", "kind": "layer_series"}]
    ),
    "rows that are none": with_header(
        columns=[{"name": "x", "kind": "series", "rows": [5]}]
    )
    + b"\0\0\0\0",
    "layers named twice": with_header(
        num_layers=3, columns=[{"name": "x", "kind": "layer_series", "layers": [1, 1]}]
    )
    + b"\0" * 8,
    "an unknown key": with_header(colums=[]),
    "a negative step": with_header(steps=[-1]),
}


@pytest.mark.parametrize("body", CORRUPT.values(), ids=CORRUPT.keys())
def test_what_is_no_batch_is_refused_with_a_reason(body):
    with pytest.raises(InvalidDocumentError):
        Batch.from_binary(body)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_batch_or_a_reason(body):
    with contextlib.suppress(InvalidDocumentError):
        assert Batch.from_binary(body).to_binary()
