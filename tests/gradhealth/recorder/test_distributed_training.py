import json
import subprocess
import sys

import pytest

from tests.support import distributed_training


def run(folder, *options):
    """Both processes' reports."""
    command = [sys.executable, "-m", distributed_training.__name__]
    processes = [
        subprocess.Popen([*command, str(rank), str(folder), *options])
        for rank in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    return [
        json.loads((folder / f"report.{rank}.json").read_text()) for rank in range(2)
    ]


def recorded(path):
    header, *batches = map(json.loads, path.read_text().splitlines())
    norms = [norm for batch in batches for norm in batch["series"]["grad_norm"]]
    losses = [loss for batch in batches for loss in batch["series"]["loss"]]
    return header, norms, losses


def test_the_first_process_records_the_averaged_gradients(tmp_path):
    reports = run(tmp_path)

    header, norms, _ = recorded(tmp_path / "trace.jsonl")
    assert [p.name for p in tmp_path.glob("trace*")] == ["trace.jsonl"]
    assert header["layers"][0] == {"path": "0", "type": "Linear"}
    assert norms == pytest.approx(reports[0]["norms"], rel=1e-4)
    assert reports[0]["weights"] == reports[1]["weights"]


def test_every_process_records_when_asked_to(tmp_path):
    run(tmp_path, "every-rank")

    first, second = (
        recorded(tmp_path / f"trace.rank{rank}.jsonl") for rank in range(2)
    )
    assert first[1] == second[1]
    assert first[2] != second[2]
