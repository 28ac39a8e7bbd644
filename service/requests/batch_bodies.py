"""Reads the body of a batch: binary or JSON, gzip or not, within bounds."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from gradhealth.batches.documents import parse_binary_batch, parse_json_batch
from gradhealth.batches.packing import CONTENT_TYPE, PackedBatch
from gradhealth.exceptions import InvalidDocumentError, Problem
from storage.runs.chunks import pack_chunks

from ..config import ServiceSettings
from ..exceptions import (
    BodyTooLargeError,
    BrokenEncodingError,
    UnsupportedEncodingError,
    UnsupportedMediaTypeError,
)
from .bodies import is_json, media_type_of, read_bounded

_KNOWN = f"application/json or {CONTENT_TYPE}"
# Tells zlib that the data has gzip's header and checksum.
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch, and what of it is stored."""

    batch: PackedBatch
    chunks: Mapping[str, bytes]

    @property
    def num_bytes(self) -> int:
        """Size of what is stored."""
        return sum(map(len, self.chunks.values()))


async def read_batch(request: Request, settings: ServiceSettings) -> ReadBatch:
    """The batch in a request's body.

    Raises:
        BodyTooLargeError: It is larger, packed or unpacked.
        UnsupportedMediaTypeError, UnsupportedEncodingError: It is declared as
            something else than what is read here.
        BrokenEncodingError: It is no gzip.
        InvalidDocumentError: It is no batch.
    """
    body = await read_bounded(request, settings.max_body_bytes)
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise UnsupportedEncodingError(encoding)
    declared = headers.get("content-type")
    is_binary = media_type_of(declared) == CONTENT_TYPE
    if not is_binary and not is_json(declared):
        raise UnsupportedMediaTypeError(declared or "", _KNOWN)
    # Milliseconds for a large one: other requests are served meanwhile.
    return await asyncio.to_thread(
        _parse,
        body,
        settings,
        is_packed=encoding != "identity",
        is_binary=is_binary,
    )


def _parse(
    body: bytes, settings: ServiceSettings, *, is_packed: bool, is_binary: bool
) -> ReadBatch:
    if is_packed:
        body = _inflated(body, settings.max_body_bytes)
    limit = settings.max_batch_values
    if is_binary:
        batch = parse_binary_batch(body)
    else:
        batch = parse_json_batch(body, max_values=limit)
    num_values = len(batch.steps) * max(1, batch.num_layers) * len(batch.columns)
    if num_values > limit:
        message = f"more than {limit:,} values: send fewer steps at once"
        raise InvalidDocumentError([Problem("", message)])
    return ReadBatch(batch, pack_chunks(batch))


def _inflated(body: bytes, limit_bytes: int) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        unpacked = stream.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise BrokenEncodingError(str(error)) from error
    if len(unpacked) > limit_bytes:
        raise BodyTooLargeError(limit_bytes)
    if not stream.eof:
        raise BrokenEncodingError("it ends early")
    return unpacked
