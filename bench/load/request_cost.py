"""CPU time of a request to the service, beside a bare route with one SELECT or INSERT.

Both services run at once on one database and are asked in turns. The time is that of
the whole process, threads of the driver included; a PostgreSQL server's is not counted.
"""

import argparse
import statistics

import httpx

from bench.load.servers import UNLIMITED, create_key, databases, running_service

ROUNDS, WARM_UP = 6, 100
MODEL = [
    *[{"type": "Linear", "out_features": 64}, {"type": "Sigmoid"}] * 20,
    {"type": "Linear", "out_features": 10},
]
SPEC = {"name": "deep", "data": {"task": "digits"}, "model": MODEL}
SMALL = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300, help="in a turn")
    arguments = parser.parse_args()
    print("| database, keys | request | bare, us | service, us | ratio |")
    print("|---|---|---|---|---|")
    for keys in ("off", "on"):
        with databases("SQLite", "PostgreSQL") as found:
            for name, environment in found.items():
                compare(name, environment | UNLIMITED, keys, arguments.requests)


def compare(name, environment, keys, count):
    headers = {}
    if keys == "on":
        headers["Authorization"] = f"Bearer {create_key(environment, 'default')}"
    with (
        running_service(environment) as service,
        running_service(environment, "bench.load.bare") as bare,
        httpx.Client(headers=headers) as client,
    ):
        queued = post(client, service, "architecture", SMALL)
        finished = post(client, service, "theory", SPEC)
        calls = {
            "GET queued": ("GET", f"/v1/analyses/{queued}", None),
            "GET finished, 41 layers": ("GET", f"/v1/analyses/{finished}", None),
            "POST": ("POST", "/v1/analyses", {"kind": "architecture", "spec": SMALL}),
        }
        for title, call in calls.items():
            costs = measure(client, (bare, service), call, count)
            ratio = statistics.median(b / a for a, b in costs)
            alone, ours = (statistics.median(each) for each in zip(*costs, strict=True))
            low, high = min(b / a for a, b in costs), max(b / a for a, b in costs)
            print(
                f"| {name}, {keys} | {title} | {alone:.0f} | {ours:.0f} "
                f"| {ratio:.2f} ({low:.2f}-{high:.2f}) |",
                flush=True,
            )


def post(client, server, kind, spec):
    answer = client.post(f"{server.url}/v1/analyses", json={"kind": kind, "spec": spec})
    return answer.raise_for_status().json()["id"]


def measure(client, servers, call, count):
    """Microseconds of each server in each round."""
    for server in servers:
        ask(client, server, call, WARM_UP)
    return [
        [ask(client, server, call, count) for server in servers] for _ in range(ROUNDS)
    ]


def ask(client, server, call, count):
    method, path, body = call
    began = server.cpu_seconds()
    for _ in range(count):
        client.request(method, server.url + path, json=body).raise_for_status()
    return 1e6 * (server.cpu_seconds() - began) / count


if __name__ == "__main__":
    main()
