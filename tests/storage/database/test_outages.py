import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from storage.database.outages import remedy_for


@pytest.fixture
def database(tmp_path):
    """A file with one table, and the address of it."""
    url = f"sqlite:///{tmp_path}/a.db"
    execute(url, ["CREATE TABLE a (b)"])
    return url


def execute(url, statements):
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def error_of(url, *statements):
    with pytest.raises(DBAPIError) as caught:
        execute(url, statements)
    return caught.value


def test_a_full_disk_is_named(database):
    error = error_of(
        database, "PRAGMA max_page_count=2", "INSERT INTO a VALUES (zeroblob(100000))"
    )

    assert "disk is full" in remedy_for(error)


def test_a_database_that_can_only_be_read_is_named(database):
    address = database.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"

    error = error_of(address, "INSERT INTO a VALUES (1)")

    assert "only be read" in remedy_for(error)


def test_a_server_that_can_only_be_read_is_named(postgres):
    address = postgres.create_database().replace("postgresql:", "postgresql+psycopg:")

    error = error_of(
        address, "SET TRANSACTION READ ONLY", "CREATE TABLE cannot_be (made int)"
    )

    assert "only be read" in remedy_for(error)


def test_other_errors_have_other_remedies(database):
    assert remedy_for(error_of(database, "SELECT * FROM nowhere")) is None
    assert remedy_for(OSError()) is None
