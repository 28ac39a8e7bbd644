"""What webhooks are told survives the death of whoever tells it."""

import time

import httpx
import pytest

from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.receivers import Receiver
from tests.support.requests import body


@pytest.fixture
def database(tmp_path):
    return create_sqlite(tmp_path)


def test_nothing_is_lost_when_the_service_is_killed(database, tmp_path):
    settings = {"webhook_private_targets": 1, "webhook_seconds": 0.5}

    def hang_once(count):
        time.sleep(3.0 if count == 0 else 0.0)
        return 200

    with (
        Receiver(hang_once) as receiver,
        Programs(database, tmp_path, **settings) as programs,
    ):
        programs.start("service")
        url, *_ = programs.urls()
        webhook = httpx.post(f"{url}/v1/webhooks", json={"url": receiver.url}).json()
        analysis = httpx.post(f"{url}/v1/analyses", json=body()).json()
        programs.kill("service")
        # It ends while nobody is there to tell it.
        programs.start("worker")
        wait_for(lambda: "finished: healthy" in programs.log("worker"))
        programs.start("service")
        (first,) = receiver.wait_for(1)
        # And now in the middle of telling it.
        programs.kill("service")
        programs.start("service")
        _, again, *_ = receiver.wait_for(2, seconds=40)

    event = again.opened(webhook["secret"])
    assert event == first.opened(webhook["secret"])
    assert again.id == first.id
    assert event["data"]["id"] == analysis["id"]


def wait_for(condition, seconds=40.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
