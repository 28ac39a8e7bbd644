"""Schemathesis over the whole OpenAPI document, as three kinds of caller.

All checks and all phases (examples, coverage, fuzzing, stateful), against a process of
the real service, on SQLite or PostgreSQL. Needs `pip install schemathesis`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.load.servers import (
    INSTANT_WORK,
    UNLIMITED,
    create_key,
    databases,
    running_service,
    running_workers,
)

CONFIG = Path(__file__).with_suffix(".toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# Most logs that it makes up are read by the worker (202), as large ones are.
SMALL_LOGS = {"GRADHEALTH_MAX_LOG_BYTES_AT_ONCE": "64"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=320, help="per operation")
    parser.add_argument("--database", default="SQLite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--callers", nargs="*", default=["nobody", "reader", "admin"])
    arguments = parser.parse_args()
    with databases(arguments.database) as found:
        environment = found[arguments.database] | UNLIMITED | SMALL_LOGS
        keys = {
            "nobody": None,
            "reader": create_key(environment, "other", "read"),
            "writer": create_key(environment, "mine", "read", "write"),
            "admin": create_key(environment, "mine", "admin"),
        }
        with (
            running_service(environment) as server,
            running_workers(environment, 1, **INSTANT_WORK),
        ):
            for caller in arguments.callers:
                summary = run(server.url, keys[caller], arguments)
                print(f"{caller:8} {summary}; {server.resident_mb():.0f} MB")
            log = server.log.read_text()
    print(f"tracebacks in the service's log: {log.count('Traceback')}")
    sys.stderr.write(log[-4000:] if "Traceback" in log else "")


def run(url, key, arguments):
    """What a run as one caller found, in a line."""
    headers = [] if key is None else ["--header", f"Authorization: Bearer {key}"]
    with tempfile.TemporaryDirectory(prefix="gh-") as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [
                *(SCHEMATHESIS, "--config-file", CONFIG, "run"),
                f"{url}/openapi.json",
                *("--checks", "all", "--max-examples", str(arguments.examples)),
                *("--seed", str(arguments.seed), "--report-json-path", report),
                *headers,
            ],
            check=False,
            cwd=folder,
        )
        return summary_of(json.loads(report.read_text()))


def summary_of(report):
    cases = report["test_cases"]
    failures = [f"\n    {json.dumps(each)}" for each in report["failures"]]
    return (
        f"{cases['generated']} cases, {cases['unique_failures']} failures, "
        f"{cases['errored']} errors, {report['running_time']:.0f} s" + "".join(failures)
    )


if __name__ == "__main__":
    main()
