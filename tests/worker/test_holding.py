import asyncio

from gradhealth.schemas.analysis import Options, Progress
from storage.work.claims import Claim
from tests.support.results import a_result
from worker.holding import Holding

FIRST, SECOND = a_result().findings
TRAINING = Progress(phase="training")


class Claims:
    """Keeps what is written, as (after, events)."""

    def __init__(self):
        self.written, self.phases = [], []

    async def holds(self, _claim):
        return True

    async def report(self, _claim, progress, events, *, after):
        self.phases.append(progress.phase)
        self.written.append((after, list(events)))
        return True

    async def finish(self, _claim, _result, _traces, events, *, after):
        self.written.append((after, list(events)))


def holding(claims, num_events=0):
    return Holding(
        claims, Claim("a", 1, "architecture", "cpu", {}, Options(), num_events)
    )


async def watched(held, seconds=0.3):
    watching = asyncio.create_task(held.watch())
    await asyncio.sleep(seconds)
    watching.cancel()


async def test_what_is_found_is_written_while_the_work_goes_on_and_once():
    claims = Claims()
    held = holding(claims)

    await held.report(TRAINING)
    await held.report(FIRST)
    await watched(held)
    await held.report(SECOND)
    await held.finish(a_result(), b"")

    assert claims.written == [(0, [FIRST]), (1, [SECOND])]
    assert claims.phases == ["training"]


async def test_whoever_takes_over_writes_only_what_was_not_told_before():
    claims = Claims()
    held = holding(claims, num_events=1)

    await held.report(FIRST)
    await watched(held)
    await held.report(SECOND)
    await held.finish(a_result(), b"")

    assert claims.written == [(1, []), (1, [SECOND])]


async def test_a_successor_that_found_less_takes_nothing_back():
    claims = Claims()
    held = holding(claims, num_events=2)

    await held.report(FIRST)
    await held.finish(a_result(), b"")

    assert claims.written == [(2, [])]


class SlowClaims(Claims):
    """Tells a claim lost before its end is written to the last."""

    def __init__(self):
        super().__init__()
        self.is_over = False

    async def holds(self, _claim):
        return not self.is_over

    async def finish(self, *_args, **_kwargs):
        self.is_over = True
        await asyncio.sleep(0.3)


async def test_the_end_that_is_just_being_written_is_no_lost_claim():
    held = holding(SlowClaims())
    watching = asyncio.create_task(held.watch())

    await asyncio.sleep(0.1)
    await held.finish(a_result(), b"")

    assert not watching.done()
    await watching
