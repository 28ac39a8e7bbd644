"""`gradhealth key` as a person types it."""

import os
import re
import subprocess
import sys

import pytest

from storage.access.credentials import ApiKey
from storage.access.keys import KeyStore
from tests.support.databases import create_sqlite
from tests.support.storages import open_stores

KEY = re.compile(r"gh_live_[0-9a-f]{12}_[0-9a-f]{64}\n")


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return create_sqlite(tmp_path_factory.mktemp("data"))


@pytest.fixture
def key(storage):
    """Runs a command; gives its exit status, stdout and stderr."""

    def run(*arguments, program=("storage.access.key_commands",)):
        done = subprocess.run(
            [sys.executable, "-m", *program, *arguments],
            env={
                **os.environ,
                "GRADHEALTH_DATABASE_URL": storage.sync_url,
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


async def test_a_life_of_a_key(key, storage):
    typed = ("create", "--project", "vision", "--name", "ci")
    status, created, _ = key(*typed, program=("gradhealth.cli", "key"))
    old = ApiKey.parse(created.strip())
    _, rotated, _ = key("rotate", old.id, "--overlap-hours", "0")
    new = ApiKey.parse(rotated.strip())
    revoked, _, _ = key("revoke", new.id)
    _, listed, _ = key("list")

    assert (status, revoked) == (0, 0)
    assert KEY.fullmatch(created)
    assert re.search(rf"{new.id} +vision +ci +read,write +never +revoked", listed)
    assert re.search(rf"{old.id} +vision +ci +read,write +never +expired", listed)
    assert old.secret not in listed
    async with open_stores(storage) as stores:
        assert await KeyStore(stores.sessions).open(old) is None


def test_mistakes_are_named(key):
    assert key("create", "--project", "Vision!")[0] == 64
    assert (
        "unknown scope 'delete'"
        in key("create", "--project", "vision", "--scope", "delete")[2]
    )
    status, _, err = key("revoke", "nobody")
    assert status == 1
    assert "there is no key 'nobody'" in err
