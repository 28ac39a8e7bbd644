import asyncio
import math
import socket

import pytest

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
from worker.processes.wire import (
    error_from_message,
    error_to_message,
    pack,
    pack_request,
    read,
    receive,
    receive_request,
)


def test_messages_arrive_whole_and_in_order():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(pack({"a": [1, None, "ä"]}) + pack({"b": math.inf}))

        assert receive(theirs) == {"a": [1, None, "ä"]}
        assert receive(theirs) == {"b": math.inf}


def test_bytes_among_the_arguments_follow_the_request():
    ours, theirs = socket.socketpair()
    arguments = {"a": [1], "b": b"\x00\xff" * 9, "c": b""}
    with ours, theirs:
        for part in pack_request("echo", arguments):
            ours.sendall(part)
        ours.close()

        assert receive_request(theirs) == ("echo", arguments)
        assert receive_request(theirs) is None


def test_the_end_of_the_connection_is_none():
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(pack({"a": 1})[:-1])
        ours.close()

        assert receive(theirs) is None
        assert receive(theirs) is None


@pytest.mark.parametrize("missing", [0, 1, 8])
async def test_a_broken_message_is_the_end_too(missing):
    reader = asyncio.StreamReader()
    packed = pack({"a": 1})

    reader.feed_data(packed[: len(packed) - missing])
    reader.feed_eof()

    assert await read(reader) == (None if missing else {"a": 1})


@pytest.mark.parametrize(
    "error", [JobError, ChildCrashedError, OutOfMemoryError, TimeLimitError]
)
def test_errors_keep_their_class_and_text(error):
    received = error_from_message(error_to_message(error("why")))

    assert type(received) is error
    assert str(received) == "why"


def test_a_document_error_keeps_its_problems():
    problems = [Problem("/model/0", "no"), Problem("", "never")]

    received = error_from_message(error_to_message(InvalidDocumentError(problems)))

    assert isinstance(received, InvalidDocumentError)
    assert received.problems == problems


@pytest.mark.parametrize("error", [IngestError, LogTooLargeError])
def test_an_error_about_a_log_keeps_its_class_too(error):
    received = error_from_message(error_to_message(error("why", "/a")))

    assert type(received) is error
    assert received.problems == [Problem("/a", "why")]


def test_an_unknown_error_is_a_job_error():
    class StrangeError(GradHealthError):
        code = "strange"

    received = error_from_message(error_to_message(StrangeError("odd")))

    assert type(received) is JobError
    assert str(received) == "odd"
