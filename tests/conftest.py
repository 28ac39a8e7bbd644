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
    full = pytest.mark.skip(reason="full size: add --faults")
    other = pytest.mark.skip(reason="the same on any database: add --faults for all")
    for item in items:
        if "faults" in item.keywords:
            item.add_marker(full)
        elif "any_database" in item.keywords and "postgresql" in item.name:
            item.add_marker(other)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server, started once."""
    databases = importlib.import_module(DATABASES)
    # A short path: the server puts its socket there.
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        server = databases.PostgresServer(Path(folder))
        yield server
        # Nothing in it is kept: it need not take its time to write.
        server.crash()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def storage(request, tmp_path_factory):
    """Settings of a fresh database with all tables, one a module."""
    databases = importlib.import_module(DATABASES)
    if request.param == "sqlite":
        return databases.create_sqlite(tmp_path_factory.mktemp("data"))
    return databases.create_postgresql(request.getfixturevalue("postgres"))
