"""What taking in a run costs the server, per number; MLflow beside it in the same run.

`./scripts/bench run_ingest [ROUNDS] [PYTHON]`, PYTHON being that of an environment with
mlflow (`python -m venv X && X/bin/pip install mlflow`). 1,000 layers and 4 statistics a
step, each round a new run in every form on every server, in turns. CPU time of the
server's processes, from the announcement until everything is stored and, where that is
said, judged; a database server's own time is not in it.
"""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.run_ingest.senders import Batches, Metrics
from bench.run_ingest.servers import gradhealth, mlflow
from tests.support.databases import PostgresServer

# Steps a batch, and batches a round; the recorder sends 10 to 50 at a time.
SIZES = ((1, 100), (10, 50), (50, 20), (100, 10))
SENDERS = (
    *(Batches(form, *size) for form in ("gzip JSON", "binary") for size in SIZES),
    *(Batches(form, 10, 50, is_judged=True) for form in ("gzip JSON", "binary")),
)
PEER, PEER_SENDER = "MLflow", Metrics(4)
ROUNDS = 10


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    peers = sys.argv[2:3]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gh-"))
        servers = start(folder, stack, peers)
        seen = {
            (name, sender): []
            for name in servers
            for sender in ([PEER_SENDER] if name == PEER else SENDERS)
        }
        for number in range(rounds + 1):
            for (name, sender), values in seen.items():
                spent = microseconds(servers[name], sender)
                # The first round warms up.
                if number:
                    values.append(spent)
            print(f"round {number} of {rounds}", file=sys.stderr)
        report(seen)


def start(folder, stack, peers):
    """Every server by its name, stopped with the stack."""
    postgres = PostgresServer(Path(folder) / "pg")
    stack.callback(postgres.stop)
    servers = {
        "SQLite": gradhealth({"GRADHEALTH_DATA_DIR": folder}),
        "PostgreSQL": gradhealth(
            {"GRADHEALTH_DATABASE_URL": postgres.create_database()}
        ),
    }
    if peers:
        servers[PEER] = mlflow(*peers, folder)
    for server in servers.values():
        stack.callback(server.stop)
    return servers


def microseconds(server, sender):
    """CPU time a value."""
    before = server.cpu_seconds()
    sender.send(server.http)
    return 1e6 * (server.cpu_seconds() - before) / sender.num_values


def report(seen):
    peer = seen.get((PEER, PEER_SENDER))
    for (name, sender), values in seen.items():
        median = statistics.median(values)
        text = f"{name:10} {sender.title:31} {median:8.3f} us a value "
        text += f"({min(values):.3f}-{max(values):.3f}), {1e6 / median:12,.0f} values/s"
        if peer and name != PEER:
            ratios = [p / v for p, v in zip(peer, values, strict=True)]
            text += f", {statistics.median(ratios):6,.0f} x {PEER}"
        print(text)


if __name__ == "__main__":
    main()
