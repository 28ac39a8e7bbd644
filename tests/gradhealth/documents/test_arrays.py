"""Inline arrays: what is read, and what is refused."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest

from gradhealth.documents.arrays import decode_npy


def save(values: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def with_header(header: str, data: bytes = b"\0" * 24, version: int = 1) -> bytes:
    """A file with a header of one's own."""
    padded = header.encode().ljust(117) + b"\n"
    width = 2 if version == 1 else 4
    length = len(padded).to_bytes(width, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + padded + data


def describe(shape: str, descr: str = "'<f8'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<i8"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 4), (0, 3)])
def test_arrays_survive_the_journey(dtype, shape):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    decoded = decode_npy(encode(save(values)))

    assert decoded.dtype == values.dtype
    np.testing.assert_array_equal(decoded, values)


def test_missing_and_infinite_numbers_are_data():
    values = np.array([[np.nan, np.inf], [-np.inf, 1.0]])

    np.testing.assert_array_equal(decode_npy(encode(save(values))), values)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_all_versions_of_the_format_are_read(version):
    raw = with_header(describe("(3,)"), version=version)

    assert decode_npy(encode(raw)).shape == (3,)


GOOD = save(np.zeros((10, 3)))
REFUSED = {
    "not-base64": ("!!!", "not base64"),
    "not-ascii": ("é" * 8, "not base64"),
    "nothing": ("", "not a .npy file"),
    "another-file": (encode(b"PK\x03\x04" + b"\0" * 99), "not a .npy file"),
    "half-a-header": (encode(GOOD[:20]), "not a .npy file"),
    "future-version": (encode(with_header("{}", version=9)), "not a .npy file"),
    "no-python": (encode(with_header("{'descr': ")), "not a .npy file"),
    "brackets": (encode(with_header("(" * 100)), "not a .npy file"),
    "a-call": (encode(with_header("__import__('os')")), "not a .npy file"),
    "keys-missing": (encode(with_header("{'descr': '<f8'}")), "not a .npy file"),
    "shape-is-text": (encode(with_header(describe("'3'"))), "not a .npy file"),
    "pickled": (
        encode(save(np.array([{}, 1], dtype=object), allow_pickle=True)),
        "dtype |O is not read",
    ),
    "half-precision": (encode(save(np.zeros(3, np.float16))), "dtype <f2"),
    "big-endian": (encode(save(np.zeros(3, ">f8"))), "dtype >f8"),
    "complex": (encode(save(np.zeros(3, complex))), "dtype <c16"),
    "booleans": (encode(save(np.zeros(3, bool))), "dtype |b1"),
    "text": (encode(save(np.array(["a"]))), "dtype <U1"),
    "records": (encode(save(np.zeros(3, [("a", "<f8")]))), "dtype |V8"),
    "fortran-order": (
        encode(save(np.asfortranarray(np.zeros((3, 4))))),
        "Fortran order",
    ),
    "cut-off": (encode(GOOD[:-8]), "240 bytes of data, but 232 follow"),
    "too-long": (encode(GOOD + b"\0"), "240 bytes of data, but 241 follow"),
    "a-huge-shape": (
        encode(with_header(describe("(99999999999, 99999999999)"))),
        "but 24 follow",
    ),
    "a-negative-shape": (encode(with_header(describe("(-1, -3)"))), "negative size"),
    "a-shape-with-zero": (encode(with_header(describe("(0, 10**9)"))), "not a .npy"),
    "9-mib": ("A" * (12 * 2**20), "8 MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_with_what_to_do(name):
    text, message = REFUSED[name]

    with pytest.raises(ValueError, match=re.escape(message)):
        decode_npy(text)
