import pytest
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError

from storage.database.retry import patient


def outage():
    return OperationalError("SELECT 1", {}, ConnectionRefusedError("refused\ndetails"))


async def test_a_call_is_repeated_until_the_database_answers(caplog):
    read_only = InternalError("INSERT", {}, ReadOnlySqlTransaction())
    outages = [read_only, outage(), TimeoutError(), ConnectionResetError()]

    @patient
    async def ask(question):
        if outages:
            raise outages.pop()
        return question

    assert await ask("?") == "?"
    assert not outages
    assert "refused" in caplog.text
    assert "details" not in caplog.text


async def test_other_errors_are_not_repeated():
    calls = []

    @patient
    async def ask():
        calls.append(1)
        raise IntegrityError("INSERT", {}, ValueError("twice"))

    with pytest.raises(IntegrityError):
        await ask()

    assert len(calls) == 1
