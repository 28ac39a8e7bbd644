"""`gradhealth up` from outside, with real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gradhealth.client import Client
from tests.support.processes import gone
from tests.support.products import running_product

SPEC = {
    "name": "critical",
    "data": {"task": "clusters"},
    "model": [{"type": "Linear", "out_features": 4}],
}


def children_of(pid):
    """Every process below it, from the system's own list."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    children = [int(child) for child in text.split()]
    return children + [each for child in children for each in children_of(child)]


def command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


@pytest.fixture
def product(tmp_path):
    quick = {
        "GRADHEALTH_ANALYSIS_MODULE": "tests.support.quick_analysis",
        "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
    }
    with running_product(tmp_path, **quick) as running:
        yield running


def analyse(url):
    with Client(url) as client:
        return [*client.follow(client.submit(SPEC).id)][-1]


async def test_it_says_where_it_is_works_and_stops_with_everything(product, tmp_path):
    processes = children_of(product.process.pid)

    analysis = analyse(product.url)
    product.process.send_signal(signal.SIGTERM)
    status = product.process.wait(30)

    assert product.ready_line == (
        f"gradhealth is ready on {product.url} (data in {tmp_path})\n"
    )
    assert analysis.result.verdict == "critical"
    assert status == 0
    assert len(processes) >= 3
    for pid in processes:
        await gone(pid)


def test_what_dies_is_started_again(product):
    before = children_of(product.process.pid)
    for pid in before:
        if b"service" in command_of(pid) or b"worker" in command_of(pid):
            os.kill(pid, signal.SIGKILL)

    analysis = analyse(product.url)

    assert analysis.result.verdict == "critical"
    assert not set(before) & set(children_of(product.process.pid))


async def test_nothing_outlives_it_even_when_it_is_killed(product):
    processes = children_of(product.process.pid)

    product.process.kill()

    for pid in processes:
        await gone(pid)


def test_a_database_it_cannot_open_is_an_error_at_once(tmp_path):
    (tmp_path / "file").write_text("not a folder")

    done = subprocess.run(
        [sys.executable, "-m", "gradhealth.cli", "up", "--port", "0"],
        env={**os.environ, "GRADHEALTH_DATA_DIR": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert "the migration could not start" in done.stderr
    assert "Traceback" not in done.stderr
