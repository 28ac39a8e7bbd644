"""Messages between the worker and its training processes: JSON behind a length.

Only JSON, never pickle: a training process is the least trusted of ours. Bytes among
the arguments of a unit follow its request as they are.
"""

import json
import socket
import struct
from asyncio import IncompleteReadError, StreamReader
from typing import Any, TypeAlias

from gradhealth.exceptions import (
    ChildCrashedError,
    GradHealthError,
    InvalidDocumentError,
    JobError,
    OutOfMemoryError,
    Problem,
    TimeLimitError,
)
from gradhealth.ingest import IngestError, LogTooLargeError

Message: TypeAlias = dict[str, Any]

_LENGTH = struct.Struct("!I")
_ERRORS: dict[str, type[JobError]] = {
    error.code: error for error in (ChildCrashedError, OutOfMemoryError, TimeLimitError)
}

_OF_LOGS: dict[str, type[IngestError]] = {
    error.code: error for error in (IngestError, LogTooLargeError)
}


def pack(message: Message) -> bytes:
    """The message as it travels; numbers that are not finite are kept."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


def pack_request(unit: str, arguments: Message) -> list[bytes]:
    """A unit of work as it travels: the request, then each argument that is bytes."""
    blobs = {name: x for name, x in arguments.items() if isinstance(x, bytes)}
    request = {
        "unit": unit,
        "arguments": {name: x for name, x in arguments.items() if name not in blobs},
        "attached": {name: len(blob) for name, blob in blobs.items()},
    }
    return [pack(request), *blobs.values()]


def receive_request(connection: socket.socket) -> tuple[str, Message] | None:
    """The next unit and its arguments; None once the other side is gone."""
    request = receive(connection)
    if request is None:
        return None
    arguments: Message = request["arguments"]
    for name, size in request["attached"].items():
        arguments[name] = _exactly(connection, size)
        if arguments[name] is None:
            return None
    return request["unit"], arguments


def receive(connection: socket.socket) -> Message | None:
    """The next message; None once the other side is gone."""
    length = _exactly(connection, _LENGTH.size)
    body = length and _exactly(connection, *_LENGTH.unpack(length))
    return json.loads(body) if body else None


async def read(reader: StreamReader) -> Message | None:
    """The next message; None once the other side is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        message: Message = json.loads(await reader.readexactly(length))
    except (IncompleteReadError, ConnectionError):
        return None
    return message


def error_to_message(error: GradHealthError) -> Message:
    """An error as a message."""
    message: Message = {"code": error.code, "message": str(error)}
    if isinstance(error, InvalidDocumentError):
        message["problems"] = [[each.pointer, each.message] for each in error.problems]
    return message


def error_from_message(message: Message) -> GradHealthError:
    """The error again; of a code this side does not know, a `JobError`."""
    if problems := message.get("problems"):
        error = InvalidDocumentError([Problem(*each) for each in problems])
        of_logs = _OF_LOGS.get(message["code"])
        return of_logs.of(error) if of_logs else error
    return _ERRORS.get(message["code"], JobError)(message["message"])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(min(size - len(received), 2**20))
        if not part:
            return None
        received += part
    return bytes(received)
