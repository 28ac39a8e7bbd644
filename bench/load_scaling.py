"""How throughput grows with the number of workers, when the work itself needs no CPU.

Each job sleeps; jobs per second are counted from the first start to the last end. What
lies below linear is what workers cost each other: queue, claims, beats, one database.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from storage.analyses.records import NewAnalysis
from tests.support.databases import PostgresServer, create_postgresql, create_sqlite
from tests.support.fleet import Fleet
from tests.support.storages import open_stores

NUM_WORKERS = (1, 2, 4, 8)
PATIENCE_SECONDS = 600.0
STORES = ("PostgreSQL", "SQLite")


async def jobs_per_second(storage, num_workers, *, jobs_each, seconds):
    """Throughput of so many workers, each with its share of jobs."""
    spec = {"units": [["nap", {"seconds": seconds}]]}
    names = [f"{num_workers}-{number}" for number in range(num_workers)]
    async with open_stores(storage) as stores:
        with Fleet(storage, log_level="ERROR") as fleet:
            fleet.start(*names)
            await _until_ready(stores, names)
            created = [
                await stores.analyses.create(NewAnalysis("architecture", spec))
                for _ in range(jobs_each * num_workers)
            ]
            for each in created:
                await stores.analyses.wait(each.id, PATIENCE_SECONDS)
            ended = [await stores.analyses.get(each.id) for each in created]
        for name in names:
            await stores.workers.retire(name)
    assert all(each.status == "succeeded" for each in ended), "a job failed"
    began = min(each.started_at for each in ended)
    return (
        len(ended) / (max(each.finished_at for each in ended) - began).total_seconds()
    )


async def _until_ready(stores, names):
    while True:
        workers = await stores.workers.all(alive_within_seconds=20)
        if {each.id for each in workers if each.state == "ready"} >= {*names}:
            return
        await asyncio.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(prog="bench.load_scaling")
    parser.add_argument("--jobs", type=int, default=6, help="jobs a worker")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a job")
    parser.add_argument("--stores", nargs="+", choices=STORES, default=STORES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        server = PostgresServer(Path(folder) / "pg")
        try:
            for store in options.stores:
                if store == "SQLite":
                    tell(store, create_sqlite(Path(folder)), options)
                else:
                    tell(store, create_postgresql(server), options)
        finally:
            server.stop()


def tell(store, storage, options):
    """Print a line for each number of workers."""
    alone = None
    for num_workers in NUM_WORKERS:
        rate = asyncio.run(
            jobs_per_second(
                storage,
                num_workers,
                jobs_each=options.jobs,
                seconds=options.seconds,
            )
        )
        alone = alone or rate
        print(
            f"{store:10} {num_workers} workers: {rate:.3f} jobs a second, "
            f"{rate / alone / num_workers:.2f} of linear",
            flush=True,
        )


if __name__ == "__main__":
    main()
