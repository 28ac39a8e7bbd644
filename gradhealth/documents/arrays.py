"""Reads inline `.npy` arrays: no pickle, no surprises in size."""

import base64
import binascii
import io
import math
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_BYTES = 8 * 2**20
DTYPES = ("<f4", "<f8", "<i8")


# What numpy raises for a header that it cannot read as a Python literal.
_BROKEN = (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError)


def decode_npy(text: str) -> NDArray[np.generic]:
    """The array in a base64 `.npy` file.

    Raises:
        ValueError: Not base64, not `.npy`, another dtype or order, or a header that
            does not match the number of bytes.
    """
    if len(text) > MAX_BYTES * 4 // 3 + 4_096:
        raise ValueError("arrays may have 8 MiB together: send fewer samples")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64: encode the bytes of a .npy file") from None
    stream = io.BytesIO(raw)
    shape, fortran_order, dtype = _header(stream)
    if dtype.str not in DTYPES:
        raise ValueError(
            f"dtype {dtype.str} is not read: save float32, float64 or int64"
        )
    if min(shape, default=0) < 0:
        raise ValueError(f"the header's shape {list(shape)} has a negative size")
    if fortran_order and len(shape) > 1:
        raise ValueError("Fortran order is not read: save np.ascontiguousarray(x)")
    data = raw[stream.tell() :]
    wanted = math.prod(shape) * dtype.itemsize
    if len(data) != wanted:
        raise ValueError(
            f"the header says {wanted} bytes of data, but {len(data)} follow: the "
            "file is cut off or damaged"
        )
    return np.frombuffer(data, dtype).reshape(shape)


def encode_npy(array: NDArray[np.generic]) -> str:
    """The array as a base64 `.npy` file: the inverse of `decode_npy`."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        version = npy.read_magic(stream)
        if version == (1, 0):
            return npy.read_array_header_1_0(stream)
        return npy.read_array_header_2_0(stream)
    except _BROKEN:
        raise ValueError(
            "not a .npy file of numbers: write one with np.save(..., "
            "allow_pickle=False)"
        ) from None
