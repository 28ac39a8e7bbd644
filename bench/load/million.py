"""A database with a million analyses beside an empty one: how long answers take.

Two services are asked in turns, so that both see the same machine.
"""

import argparse
import time

import httpx
import numpy as np
from sqlalchemy import create_engine, text

from bench.load.servers import UNLIMITED, databases, running_service
from storage.config import StorageSettings

SPEC = {"data": {"task": "clusters"}, "model": [{"type": "Linear", "out_features": 4}]}
# Of each twenty analyses one is of the project "rare", and one failed.
_ROWS = """
WITH RECURSIVE numbers(i) AS (
    SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < {count}
)
INSERT INTO {table} ({columns}) SELECT {values} FROM numbers WHERE {condition}
"""
_HAS_SUCCEEDED = "i % 20 <> 1"
_ID = {"SQLite": "printf('%032x', i)", "PostgreSQL": "lpad(to_hex(i), 32, '0')"}
_TIME = {
    "SQLite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-01', i || ' seconds')",
    "PostgreSQL": "timestamptz '2026-01-01 00:00Z' + i * interval '1 second'",
}
_PROJECT = "CASE WHEN i % 20 = 0 THEN 'rare' ELSE 'default' END"
_STATUS = f"CASE WHEN {_HAS_SUCCEEDED} THEN 'succeeded' ELSE 'failed' END"
_VERDICT = "CASE WHEN i % 1000 = 3 THEN 'warning' ELSE 'healthy' END"


def tables(kind):
    """What is inserted: SQL by column, by table."""
    return {
        "gh_analyses": {
            "id": _ID[kind],
            "kind": "'architecture'",
            "name": "'network ' || (i % 50)",
            "project": _PROJECT,
            "status": _STATUS,
            "spec": "'{}'",
            "options": "'{}'",
            "phase": "'finished'",
            "done": "0",
            "total": "0",
            "attempts": "1",
            "created_at": _TIME[kind],
            "started_at": _TIME[kind],
            "finished_at": _TIME[kind],
            "stored_bytes": "1000",
            "verdict": f"CASE WHEN {_HAS_SUCCEEDED} THEN {_VERDICT} END",
        },
        "gh_results": {
            "analysis_id": _ID[kind],
            "verdict": _VERDICT,
            "summary": "'Gradients flow.'",
            "notes": "'[]'",
            "curves": "'{}'",
            "environment": "'{}'",
            "document": """'{"verdict":"healthy","summary":"Gradients flow."}'""",
        },
        "gh_labels": {
            "analysis_id": _ID[kind],
            "key": "'branch'",
            "value": "'b' || (i % 100)",
            "project": _PROJECT,
            "created_at": _TIME[kind],
            "outcome": f"CASE WHEN {_HAS_SUCCEEDED} THEN {_VERDICT} ELSE 'failed' END",
        },
    }


def fill(kind, environment, count):
    """Inserts the analyses with results and labels; seconds that it took."""
    url = environment.get("GRADHEALTH_DATABASE_URL")
    folder = environment.get("GRADHEALTH_DATA_DIR", "")
    settings = StorageSettings(data_dir=folder, database_url=url)
    engine = create_engine(settings.sync_url)
    began = time.monotonic()
    with engine.begin() as connection:
        for table, columns in tables(kind).items():
            sql = _ROWS.format(
                table=table,
                count=count,
                columns=", ".join(columns),
                values=", ".join(columns.values()),
                condition=_HAS_SUCCEEDED if table == "gh_results" else "TRUE",
            )
            connection.execute(text(sql.replace(":", "\\:")))
    if kind == "PostgreSQL":
        # It would do so by itself in a minute.
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    engine.dispose()
    return time.monotonic() - began


QUERIES = {
    "list": "",
    "list, project": "?project=rare",
    "list, status": "?status=failed",
    "list, verdict": "?verdict=warning",
    "list, label": "?label=branch:b7",
    "list, none meets": "?label=branch:none",
    "list, few meet": "?project=rare&verdict=warning",
    "list, project and label": "?project=rare&label=branch:b20",
    "list, project and status": "?project=default&status=failed",
    "list, label and status": "?label=branch:b21&status=failed",
    "list, label and verdict": "?label=branch:b3&verdict=warning",
    "list, label and other verdict": "?label=branch:b7&verdict=warning",
}
# Of these also the page after the first.
LONG = ("list", "list, status", "list, verdict", "list, label")


def compare(kind, servers, count):
    """Prints median and 99th percentile of both, in milliseconds."""
    with httpx.Client(timeout=60) as client:
        ids = [
            client.post(
                f"{server.url}/v1/analyses", json={"kind": "architecture", "spec": SPEC}
            ).json()["id"]
            for server in servers
        ]
        paths = {"GET": [f"/v1/analyses/{id_}" for id_ in ids]}
        paths |= {name: [f"/v1/analyses{q}"] * 2 for name, q in QUERIES.items()}
        for name in LONG:
            first = client.get(servers[1].url + paths[name][1])
            start = {"cursor": first.json()["next_cursor"]}
            if start["cursor"] is None:
                continue
            second = first.request.url.copy_merge_params(start).raw_path.decode()
            paths[f"{name}, second page"] = [second] * 2
        for name, pair in paths.items():
            seconds = [[], []]
            for _ in range(count):
                for number, server in enumerate(servers):
                    began = time.perf_counter()
                    client.get(server.url + pair[number]).raise_for_status()
                    seconds[number].append(time.perf_counter() - began)
            middle, late = 1000 * np.percentile(seconds, [50, 99], axis=1)
            print(
                f"| {kind} | {name} | {middle[0]:.1f}, {late[0]:.1f} "
                f"| {middle[1]:.1f}, {late[1]:.1f} | {late[1] / late[0]:.1f} |",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10**6)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--databases", nargs="*", default=["SQLite", "PostgreSQL"])
    arguments = parser.parse_args()
    for kind in arguments.databases:
        with databases(kind) as empty, databases(kind) as full:
            seconds = fill(kind, full[kind], arguments.count)
            print(f"{kind}: {arguments.count:,} analyses in {seconds:.0f} s")
            print("| database | request | empty, ms: median, p99 | full | p99 ratio |")
            with (
                running_service(empty[kind] | UNLIMITED) as few,
                running_service(full[kind] | UNLIMITED) as many,
            ):
                compare(kind, (few, many), arguments.requests)


if __name__ == "__main__":
    main()
