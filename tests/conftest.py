"""Options, and the databases that storage is tested on."""

import importlib
import tempfile
from pathlib import Path

import pytest

# Loaded by the tests that use it: most need no database, nor the time to import one.
DATABASES = "tests.support.databases"


def pytest_addoption(parser):
    parser.addoption(
        "--faults",
        action="store_true",
        help="run the fault storm at its full size",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--faults"):
        return
    skip = pytest.mark.skip(reason="full size: add --faults")
    for item in items:
        if "faults" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, started once."""
    databases = importlib.import_module(DATABASES)
    # A short path: the server puts its socket there.
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        server = databases.PostgresServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def storage(request, tmp_path_factory):
    """Settings of a fresh database with all tables, one a module."""
    databases = importlib.import_module(DATABASES)
    if request.param == "sqlite":
        return databases.create_sqlite(tmp_path_factory.mktemp("data"))
    return databases.create_postgresql(request.getfixturevalue("postgres"))
