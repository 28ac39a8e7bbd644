"""Takes files in: as the body itself or as the one file of a form, never in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

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


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that was sent.

    Attributes:
        content: Open, until the request has been answered.
        filename: As the form says; empty for a body.
        fields: What a form says beside it.
    """

    content: BinaryIO
    filename: str
    num_bytes: int
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
    with SpooledTemporaryFile(SPOOL_BYTES) as file:
        async for chunk in chunks:
            file.write(chunk)
        yield _received(cast(BinaryIO, file), "", {})


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
        yield _received(files[0].file, files[0].filename or "", fields)
    finally:
        await form.close()


def _received(file: BinaryIO, filename: str, fields: Mapping[str, str]) -> ReceivedFile:
    num_bytes = file.seek(0, 2)
    file.seek(0)
    return ReceivedFile(file, filename, num_bytes, fields)
