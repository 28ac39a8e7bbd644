"""Workers and the work they are given."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.records import NewAnalysis
from tests.support.fleet import Fleet
from tests.support.storages import Stores, open_stores

# Dead after 2 s of silence; 20 s by default.
IMPATIENT = {"beat_seconds": 0.3, "dead_after_seconds": 2}


@dataclass(frozen=True)
class Scene:
    stores: Stores
    fleet: Fleet

    async def submit(self, *units, at_once=False, project="default"):
        spec = {"units": list(units), "at_once": at_once}
        new = NewAnalysis(kind="architecture", spec=spec, project=project)
        created, _ = await self.stores.analyses.create(new)
        return created.id

    async def end_of(self, analysis_id, seconds=30.0):
        analysis = await self.stores.analyses.wait(analysis_id, seconds)
        assert analysis.finished_at, f"not finished within {seconds} s: {analysis}"
        return analysis


@asynccontextmanager
async def scene_on(storage, **settings):
    async with open_stores(storage) as stores:
        with Fleet(storage, **settings) as fleet:
            yield Scene(stores, fleet)
        # What is left would keep the workers of the next test busy.
        for id_ in await stores.claims().open_tickets():
            await stores.analyses.cancel(id_)
        for worker in await stores.workers.beats():
            await stores.workers.retire(worker.id)
