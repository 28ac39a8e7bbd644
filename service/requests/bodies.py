"""Reads a request body: bounded, JSON and valid, or an error that says why not."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from typing import Generic, TypeVar

from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from gradhealth.documents.strict_json import parse_object
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.schemas.problems import problems_of

from ..config import ServiceSettings
from ..exceptions import BodyTooLargeError, UnsupportedMediaTypeError

T = TypeVar("T")

# Parsed in less time than it takes to ask a thread for it.
SMALL_BYTES = 16_384
# How long the rest of a body that is too large is read and thrown away.
DISCARD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Body(Generic[T]):
    """A request body.

    Attributes:
        content: The validated model.
        digest: Tells whether two bodies are the same, byte for byte.
        num_bytes: Its size.
    """

    content: T
    digest: str
    num_bytes: int


async def read_body(
    request: Request, adapter: TypeAdapter[T], settings: ServiceSettings
) -> Body[T]:
    """The body of a request as the adapter's model.

    Raises:
        UnsupportedMediaTypeError: It is declared as something else than JSON.
        BodyTooLargeError: It is larger; at once where its length is declared.
        InvalidDocumentError: It is not JSON, or not what is expected.
    """
    # Read first: a client that is still sending would not see why it is refused.
    text = await read_bounded(request, settings.max_body_bytes)
    declared = request.headers.get("content-type")
    if not is_json(declared):
        raise UnsupportedMediaTypeError(declared or "")
    if len(text) <= SMALL_BYTES:
        return _parse(text, adapter, settings.max_body_values)
    # A large body takes a while to parse: other requests are served meanwhile.
    return await asyncio.to_thread(_parse, text, adapter, settings.max_body_values)


def is_json(declared: str | None) -> bool:
    """Whether a Content-Type says JSON, or nothing."""
    media_type = media_type_of(declared)
    return media_type in ("", "application/json") or media_type.endswith("+json")


def media_type_of(declared: str | None) -> str:
    """The type in a Content-Type, without its parameters; "" where there is none."""
    if declared is None:
        return ""
    header = Message()
    header["content-type"] = declared
    return header.get_content_type()


async def read_bounded(request: Request, limit_bytes: int) -> bytes:
    """The body as it was sent.

    Raises:
        BodyTooLargeError: It is larger; at once where its length is declared.
    """
    return b"".join([chunk async for chunk in bounded_chunks(request, limit_bytes)])


async def bounded_chunks(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it was sent, as it comes.

    Raises:
        BodyTooLargeError: It is larger; at once where its length is declared.
    """
    declared = request.headers.get("content-length", "0")
    chunks = request.stream()
    if declared.isdigit() and int(declared) > limit_bytes:
        # Whoever expects "100 Continue" has not begun to send.
        if "expect" not in request.headers:
            await _discard(chunks)
        raise BodyTooLargeError(limit_bytes)
    num_bytes = 0
    async for chunk in chunks:
        num_bytes += len(chunk)
        if num_bytes > limit_bytes:
            await _discard(chunks)
            raise BodyTooLargeError(limit_bytes)
        yield chunk


async def _discard(chunks: AsyncIterator[bytes]) -> None:
    # A client that is still sending would find its connection reset, not our answer.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            async for _ in chunks:
                pass


def _parse(text: bytes, adapter: TypeAdapter[T], max_values: int) -> Body[T]:
    document = parse_object(text, max_values=max_values)
    try:
        content = adapter.validate_python(document)
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document)) from error
    return Body(content, hashlib.sha256(text).hexdigest(), len(text))
