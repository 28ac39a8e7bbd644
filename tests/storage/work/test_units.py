"""Units of work that are kept, lent and given back."""

import pytest
from sqlalchemy import delete

from storage.analyses.records import NewAnalysis
from storage.tables import AnalysisRow
from storage.work.units import NewUnit
from tests.support.results import a_result
from tests.support.storages import open_stores

UNITS = [NewUnit(f"key {n}", "train", {"n": n}) for n in range(2)]
REPLY = {"result": [1.5, None, "x"]}


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        async with opened.sessions.writing() as session:
            await session.execute(delete(AnalysisRow))
        yield opened


@pytest.fixture
async def claim(stores):
    new = NewAnalysis(kind="architecture", spec={}, traceparent="00-trace-span-01")
    created = await stores.analyses.create(new)
    return await stores.claims("owner").begin(created.id)


async def test_a_reply_is_kept_until_the_analysis_ends(stores, claim):
    await stores.units.keep(claim, UNITS[0], REPLY)

    kept = await stores.units.states(claim.analysis_id)
    await stores.claims().finish(claim, a_result(), b"")

    assert kept["key 0"].reply == REPLY
    assert await stores.units.states(claim.analysis_id) == {}


async def test_what_is_not_offered_is_not_lent(stores, claim):
    await stores.units.keep(claim, UNITS[0], REPLY)

    assert await stores.units.borrow("helper", "cpu") is None


async def test_an_offered_unit_is_lent_once_and_its_reply_comes_back(stores, claim):
    await stores.units.offer(claim, UNITS[:1])

    loan = await stores.units.borrow("helper", "cpu")
    second = await stores.units.borrow("another", "cpu")
    lent = await stores.units.is_lent(loan, "helper")
    await stores.units.give_back(loan, "helper", REPLY)

    assert (loan.key, loan.unit, loan.arguments) == ("key 0", "train", {"n": 0})
    assert loan.traceparent == "00-trace-span-01"
    assert (second, lent) == (None, True)
    states = await stores.units.states(claim.analysis_id)
    assert states["key 0"].reply == REPLY


async def test_a_worker_borrows_only_what_it_can_do(stores, claim):
    await stores.units.offer(claim, UNITS)

    assert await stores.units.borrow("helper", "gpu") is None


async def test_what_is_lent_cannot_be_taken_back_and_what_is_free_can(stores, claim):
    await stores.units.offer(claim, UNITS)
    loan = await stores.units.borrow("helper", "cpu")
    free = next(unit.key for unit in UNITS if unit.key != loan.key)

    assert not await stores.units.take_back(claim, loan.key)
    assert await stores.units.take_back(claim, free)
    assert await stores.units.borrow("another", "cpu") is None


async def test_a_unit_that_came_back_undone_is_the_owners(stores, claim):
    await stores.units.offer(claim, UNITS[:1])
    loan = await stores.units.borrow("helper", "cpu")

    await stores.units.give_back(loan, "helper", None)

    state = (await stores.units.states(claim.analysis_id))["key 0"]
    assert (state.reply, state.offered, state.worker_id) == (None, False, None)
    assert await stores.units.borrow("another", "cpu") is None


async def test_what_the_dead_had_borrowed_comes_back_and_they_cannot_reply(
    stores, claim
):
    await stores.units.offer(claim, UNITS[:1])
    loan = await stores.units.borrow("dead", "cpu")

    await stores.units.free_lost(["owner", "helper"])
    await stores.units.give_back(loan, "dead", REPLY)

    state = (await stores.units.states(claim.analysis_id))["key 0"]
    assert (state.reply, state.worker_id) == (None, None)


async def test_what_the_living_borrowed_stays_with_them(stores, claim):
    await stores.units.offer(claim, UNITS[:1])
    loan = await stores.units.borrow("helper", "cpu")

    await stores.units.free_lost(["owner", "helper"])

    assert await stores.units.is_lent(loan, "helper")


async def test_a_borrower_learns_that_the_analysis_was_cancelled(stores, claim):
    await stores.units.offer(claim, UNITS[:1])
    loan = await stores.units.borrow("helper", "cpu")

    await stores.analyses.cancel(claim.analysis_id)

    assert not await stores.units.is_lent(loan, "helper")


async def test_whoever_lost_the_claim_offers_and_keeps_nothing(stores, claim):
    await stores.claims("other").begin(claim.analysis_id)

    await stores.units.offer(claim, UNITS[:1])
    await stores.units.keep(claim, UNITS[1], REPLY)

    assert await stores.units.states(claim.analysis_id) == {}


async def test_whoever_takes_over_finds_what_was_kept(stores, claim):
    await stores.units.keep(claim, UNITS[0], REPLY)

    taken = await stores.claims("other").begin(claim.analysis_id)

    assert taken.attempts == 2
    assert (await stores.units.states(taken.analysis_id))["key 0"].reply == REPLY
