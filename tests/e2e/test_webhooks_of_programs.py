"""What webhooks are told survives the death of whoever tells it."""

import asyncio
import time

import httpx
import pytest

from gradhealth.cli import main
from storage.access.keys import KeyStore
from tests.support.databases import create_sqlite
from tests.support.programs import Programs
from tests.support.receivers import Receiver
from tests.support.requests import SPEC, body
from tests.support.storages import open_stores


@pytest.fixture
def database(tmp_path):
    return create_sqlite(tmp_path)


@pytest.mark.any_database
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


@pytest.fixture
def run(capfd):
    """Runs a command: its exit status, and the lines it wrote to stdout."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        return exit_.value.code or 0, capfd.readouterr().out.splitlines()

    return run


@pytest.fixture
def key(database):
    async def create():
        async with open_stores(database) as stores:
            return await KeyStore(stores.sessions).create(
                project="vision", name="", scopes=["read", "write"]
            )

    return asyncio.run(create())


def test_what_was_given_up_is_told_again_by_hand(
    database, key, tmp_path, monkeypatch, run
):
    settings = {"webhook_private_targets": 1, "webhook_attempts": 1}
    with (
        Receiver(lambda count: 500 if count < 2 else 204) as receiver,
        Programs(database, tmp_path, **settings) as programs,
    ):
        programs.start("service")
        url, *_ = programs.urls()
        monkeypatch.setenv("GRADHEALTH_SERVER", url)
        monkeypatch.setenv("GRADHEALTH_API_KEY", key.text)
        headers = {"Authorization": f"Bearer {key.text}"}
        with httpx.Client(base_url=url, headers=headers) as api:
            webhook = api.post("/v1/webhooks", json={"url": receiver.url}).json()["id"]
            for _ in range(2):
                api.post("/v1/analyses", json={"kind": "theory", "spec": SPEC})
        wait_for(lambda: sum("dead" in each for each in told(run, webhook)) == 2)
        listed, given_up = run("webhook", "list"), told(run, webhook)
        one, other = (each.split()[0] for each in given_up)
        by_name = run("webhook", "replay", webhook, one)
        wait_for(lambda: "delivered" in told(run, webhook)[0])
        all_dead = run("webhook", "replay", webhook, "--dead")
        wait_for(lambda: "delivered" in told(run, webhook)[1])
        none = run("webhook", "replay", webhook, "--dead")
        unknown, _ = run("webhook", "replay", webhook, "msg_0")

    assert listed[0] == 0
    assert listed[1][1].split()[:3] == [webhook, "told", receiver.url]
    assert given_up[0].endswith("analysis.succeeded  answered 500")
    assert by_name == (0, [f"{one} is told again"])
    assert all_dead == (0, [f"{other} is told again"])
    assert none == (0, ["none is dead"])
    assert unknown == 2
    assert [each.id for each in receiver.received[2:]] == [one, other]


def told(run, webhook):
    return run("webhook", "deliveries", webhook)[1][1:]


def wait_for(condition, seconds=40.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
