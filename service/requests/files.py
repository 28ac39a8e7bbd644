"""Takes files in: as the body itself or as the one file of a form, never in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, TypeAlias, cast

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from ..exceptions import NotOneFileError, UnsupportedEncodingError
from .bodies import bounded_chunks

_FORM = "multipart/form-data"
_PLAIN, _PACKED = frozenset({"identity"}), frozenset({"gzip", "x-gzip"})
# Smaller files need no file on the disk.
SPOOL_BYTES = 2**20
MAX_FIELDS = 16
Spooled: TypeAlias = "SpooledTemporaryFile[bytes]"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that was sent.

    Attributes:
        content: Open, until the request has been answered.
        filename: As the form says; empty for a body.
        digest: Tells whether two files are the same, byte for byte.
        fields: What a form says beside it.
    """

    content: BinaryIO
    filename: str
    num_bytes: int
    digest: str
    fields: Mapping[str, str]


@asynccontextmanager
async def receive_file(
    request: Request, limit_bytes: int
) -> AsyncIterator[ReceivedFile]:
    """The file in a request.

    Raises:
        BodyTooLargeError: It is larger; at once where its length is declared.
        NotOneFileError: A form with none, or with several.
        UnsupportedEncodingError: It is packed in a way that is not known here.
    """
    chunks = bounded_chunks(request, limit_bytes)
    is_form = request.headers.get("content-type", "").startswith(_FORM)
    encoding = request.headers.get("content-encoding", "identity").lower()
    # A packed body is as good as a packed file: both are unpacked when they are read.
    if encoding not in (_PLAIN if is_form else _PLAIN | _PACKED):
        raise UnsupportedEncodingError(encoding)
    receive = _from_form if is_form else _from_body
    async with receive(request, chunks) as received:
        yield received


@asynccontextmanager
async def _from_body(
    _: Request, chunks: AsyncIterator[bytes]
) -> AsyncIterator[ReceivedFile]:
    digest = hashlib.sha256()
    with SpooledTemporaryFile(SPOOL_BYTES) as file:
        async for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        num_bytes = file.tell()
        file.seek(0)
        yield ReceivedFile(cast(BinaryIO, file), "", num_bytes, digest.hexdigest(), {})


@asynccontextmanager
async def _from_form(
    request: Request, chunks: AsyncIterator[bytes]
) -> AsyncIterator[ReceivedFile]:
    async def pieces() -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
        # The parser waits for it.
        yield b""

    parser = MultiPartParser(
        request.headers,
        pieces(),  # type: ignore[arg-type]  # any asynchronous iterator will do
        max_files=1,
        max_fields=MAX_FIELDS,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise NotOneFileError(error.message) from error
    try:
        files = [each for each in form.values() if isinstance(each, UploadFile)]
        if not files:
            raise NotOneFileError("there is none")
        fields = {name: x for name, x in form.items() if isinstance(x, str)}
        file, name = files[0].file, files[0].filename or ""
        num_bytes, digest = await asyncio.to_thread(_measured, cast(Spooled, file))
        yield ReceivedFile(file, name, num_bytes, digest, fields)
    finally:
        await form.close()


def _measured(file: Spooled) -> tuple[int, str]:
    """Its length in bytes, and its digest."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    num_bytes = file.tell()
    file.seek(0)
    return num_bytes, digest.hexdigest()
