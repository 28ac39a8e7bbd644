"""Workers and the work they are given."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.analyses.records import NewAnalysis
from tests.support.fleet import Fleet
from tests.support.storages import Stores, open_stores

# Dead after 2 s of silence; 20 s by default.
IMPATIENT = {"beat_seconds": 0.3, "dead_after_seconds": 2}


@dataclass(frozen=True)
class Scene:
    stores: Stores
    fleet: Fleet

    async def start(self, *names):
        """Start workers and wait until each is ready and knows of the others."""
        self.fleet.start(*names)
        while sum(each.state == "ready" for each in await self.workers()) < len(names):
            await asyncio.sleep(0.05)
        await asyncio.sleep(3 * IMPATIENT["beat_seconds"])

    async def workers(self):
        return await self.stores.workers.all(alive_within_seconds=20)

    async def submit(self, *units, at_once=False, project="default"):
        spec = {"units": list(units), "at_once": at_once}
        new = NewAnalysis(kind="architecture", spec=spec, project=project)
        created = await self.stores.analyses.create(new)
        return created.id

    async def end_of(self, analysis_id, seconds=30.0):
        await self.stores.analyses.wait(analysis_id, seconds)
        analysis = await self.stores.analyses.get(analysis_id)
        assert analysis.finished_at, f"not finished within {seconds} s: {analysis}"
        return analysis


@asynccontextmanager
async def scene_on(storage, **settings):
    async with open_stores(storage) as stores:
        try:
            with Fleet(storage, **settings) as fleet:
                yield Scene(stores, fleet)
        finally:
            # What is left would keep the workers of the next test busy.
            for id_ in await stores.claims().open_tickets():
                await stores.analyses.cancel(id_)
            for worker in await stores.workers.beats():
                await stores.workers.retire(worker.id)
