"""200 open event streams while 50 analyses run: what each misses, and the memory."""

import argparse
import asyncio
import json
import time
from collections import Counter

import httpx

from bench.load.servers import (
    INSTANT_WORK,
    UNLIMITED,
    databases,
    running_service,
    running_workers,
)

SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}
STREAM_SECONDS = 240


async def follow(client, path, seen):
    """Reads a stream to its end, and notes the events by name."""
    async with client.stream("GET", f"{path}/events") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
                seen[name] += 1
            elif line.startswith("data: ") and name == "done":
                seen[json.loads(line.removeprefix("data: "))["status"]] += 1


async def run(server, num_streams, num_analyses):
    """Opens the streams first, then lets the workers begin."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=server.url, timeout=STREAM_SECONDS, limits=limits
    ) as client:
        body = {"kind": "architecture", "spec": SPEC}
        paths = [
            (await client.post("/v1/analyses", json=body)).json()["links"]["self"]
            for _ in range(num_analyses)
        ]
        before, seen = server.resident_mb(), [Counter() for _ in range(num_streams)]
        streams = [
            asyncio.create_task(follow(client, paths[number % num_analyses], counts))
            for number, counts in enumerate(seen)
        ]
        async with asyncio.timeout(STREAM_SECONDS):
            while server.num_connections() < num_streams:
                await asyncio.sleep(0.1)
        yield before, server.resident_mb(), seen
        most = before
        began = time.monotonic()
        async with asyncio.timeout(STREAM_SECONDS):
            while not all(stream.done() for stream in streams):
                most = max(most, server.resident_mb())
                await asyncio.sleep(0.1)
        await asyncio.gather(*streams)
        yield time.monotonic() - began, most, seen


async def measure(environment, num_streams, num_analyses):
    with running_service(environment) as server:
        steps = run(server, num_streams, num_analyses)
        before, opened, _ = await anext(steps)
        with running_workers(environment, 2, **INSTANT_WORK):
            seconds, most, seen = await anext(steps)
            await steps.aclose()
    ended = sum(counts["done"] == 1 for counts in seen)
    findings = sum(counts["finding"] for counts in seen)
    return (
        f"{ended} of {num_streams} streams got their one end, {findings} findings, "
        f"{seconds:.0f} s; memory {before:.0f} MB, {opened:.0f} MB with the streams "
        f"open, {most:.0f} MB at most"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--analyses", type=int, default=50)
    arguments = parser.parse_args()
    with databases("SQLite", "PostgreSQL") as found:
        for name, environment in found.items():
            told = measure(
                environment | UNLIMITED, arguments.streams, arguments.analyses
            )
            print(f"{name:10} {asyncio.run(told)}", flush=True)


if __name__ == "__main__":
    main()
