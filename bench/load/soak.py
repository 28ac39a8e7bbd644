"""Mixed load for a quarter of an hour: what of the service grows, and how late it is.

Clients submit, read, list, follow, upload logs, send batches and ask for reports, with
a worker whose analyses take no time. Memory, connections, files and threads are looked
at every few seconds; the first fifth of the time is for warming up.
"""

import argparse
import asyncio
import time
from collections import defaultdict

import httpx
import numpy as np

from bench.load.documents import BATCH, LOGS, RUN, SPECS
from bench.load.servers import (
    INSTANT_WORK,
    UNLIMITED,
    databases,
    running_service,
    running_workers,
)

SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}
SAMPLE_SECONDS = 5
PAUSE_SECONDS = 0.05
WARM_UP_RATIO = 0.2


class Client:
    """One of many; does everything in turn, and notes how long it takes."""

    def __init__(self, http, seconds):
        self._http = http
        self._seconds = seconds

    async def ask(self, name, method, path, **content):
        began = time.perf_counter()
        answer = await self._http.request(method, path, **content)
        self._seconds[name].append(time.perf_counter() - began)
        return answer.raise_for_status()

    async def one_round(self):
        body = {"kind": "architecture", "spec": SPEC}
        queued = await self.ask("POST", "POST", "/v1/analyses", json=body)
        path = queued.json()["links"]["self"]
        await self.ask("events", "GET", f"{path}/events")
        await self.ask("GET", "GET", path)
        await self.ask("list", "GET", "/v1/analyses", params={"limit": 20})
        await self.ask("report", "GET", f"{path}/report", params={"format": "html"})
        theory = {"kind": "theory", "spec": SPECS[0]}
        await self.ask("theory", "POST", "/v1/analyses", json=theory)
        await self.ask("log", "POST", "/v1/traces", content=LOGS["jsonl"])
        run = await self.ask("run", "POST", "/v1/runs", json=RUN)
        run_path = run.json()["links"]["self"]
        await self.ask("batch", "POST", f"{run_path}/batches", json=BATCH)
        await self.ask("delete", "DELETE", run_path)
        await self.ask("delete", "DELETE", path)


def sample(server):
    """MB of memory, connections, files and threads."""
    process = server.process
    return (
        server.resident_mb(),
        server.num_connections(),
        process.num_fds(),
        process.num_threads(),
    )


async def soak(server, seconds, num_clients):
    """Durations by request, and the samples."""
    durations, samples = defaultdict(list), []
    began = time.monotonic()

    async def work(http):
        client = Client(http, durations)
        while time.monotonic() - began < seconds:
            await client.one_round()
            await asyncio.sleep(PAUSE_SECONDS)

    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        clients = asyncio.gather(*(work(http) for _ in range(num_clients)))
        while not clients.done():
            await asyncio.sleep(SAMPLE_SECONDS)
            samples.append(sample(server))
        await clients
    return durations, samples


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--database", default="PostgreSQL")
    arguments = parser.parse_args()
    with databases(arguments.database) as found:
        environment = found[arguments.database] | UNLIMITED
        with (
            running_service(environment) as server,
            running_workers(environment, 1, **INSTANT_WORK),
        ):
            durations, samples = asyncio.run(
                soak(server, arguments.seconds, arguments.clients)
            )
            log = server.log.read_text()
    report(durations, samples)
    print(f"errors in the service's log: {log.count('Traceback')}")


def report(durations, samples):
    count = sum(map(len, durations.values()))
    print(f"{count} requests in {len(samples) * SAMPLE_SECONDS} s, no error")
    for name, seconds in durations.items():
        middle, late = 1000 * np.percentile(seconds, [50, 99])
        print(f"  {name:8} {middle:6.0f} ms, p99 {late:6.0f} ms")
    warm = samples[int(WARM_UP_RATIO * len(samples)) :]
    names = ("memory, MB", "connections", "files", "threads")
    quarters = [each.mean(axis=0) for each in np.array_split(np.array(warm), 4)]
    for name, *values in zip(names, *quarters, strict=True):
        told = " ".join(f"{value:8.1f}" for value in values)
        print(f"  {name:12} by quarters {told}")


if __name__ == "__main__":
    main()
