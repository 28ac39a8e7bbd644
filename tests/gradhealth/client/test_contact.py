"""When a call is made again, without a network and without waiting."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from gradhealth.client import RefusedError, ServerUnreachableError
from gradhealth.client.calls import Call
from gradhealth.client.contact import (
    LAST_PAUSE_SECONDS,
    Again,
    Answered,
    Attempts,
    Contact,
)

LOST = httpx.ReadError("reset")


def attempts(method="GET", *, patience=30.0, has_answered=True):
    call = Call(method, "/", lambda answer: answer.text)
    return Attempts(call, Contact("http://service", patience, has_answered))


def refused(status, retry_after=None):
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx.Response(status, headers=headers)


def test_an_answer_is_the_end():
    assert attempts().take(httpx.Response(200, text="yes")) == Answered("yes")


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500])
def test_what_will_not_change_is_not_asked_again(status):
    with pytest.raises(RefusedError):
        attempts().take(refused(status, "1"))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_asked_again_when_the_service_says(status):
    assert attempts().take(refused(status, "7")) == Again(7.0)


def test_a_date_is_a_time_as_well():
    at = datetime.now(UTC) + timedelta(seconds=10)

    outcome = attempts().take(refused(503, format_datetime(at, usegmt=True)))

    assert 8 < outcome.pause_seconds <= 11


@pytest.mark.parametrize("nonsense", ["soon", "-1", ""])
def test_without_a_time_pauses_grow_to_a_limit(nonsense):
    call = attempts(patience=1000)

    pauses = [call.take(refused(503, nonsense)).pause_seconds for _ in range(10)]

    assert pauses[0] <= 0.5 < pauses[3]
    assert LAST_PAUSE_SECONDS / 2 <= pauses[-1] <= LAST_PAUSE_SECONDS


def test_what_would_take_longer_than_patience_is_told_at_once():
    with pytest.raises(RefusedError) as caught:
        attempts().take(refused(429, "3600"))

    assert caught.value.retry_after_seconds == 3600


def test_without_patience_nothing_is_repeated():
    with pytest.raises(RefusedError):
        attempts(patience=0).take(refused(503))
    with pytest.raises(ServerUnreachableError):
        attempts(patience=0).take(LOST)


def test_a_service_that_answered_once_is_waited_for():
    call = attempts(has_answered=False)
    call.take(refused(503, "0"))

    assert isinstance(call.take(LOST), Again)


def test_a_service_that_never_answered_is_not():
    with pytest.raises(ServerUnreachableError, match="reset"):
        attempts(has_answered=False).take(LOST)


def test_what_was_deleted_before_its_answer_was_lost_is_deleted():
    call = attempts("DELETE")
    call.take(LOST)

    assert isinstance(call.take(refused(404)), Answered)


def test_what_never_existed_cannot_be_deleted():
    with pytest.raises(RefusedError):
        attempts("DELETE").take(refused(404))
