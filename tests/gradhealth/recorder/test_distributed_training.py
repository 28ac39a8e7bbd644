import json
import subprocess
import sys

import pytest

from tests.support import distributed_training


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes left that trained together."""
    folder = tmp_path_factory.mktemp("distributed")
    command = [sys.executable, "-m", distributed_training.__name__]
    processes = [
        subprocess.Popen([*command, str(rank), str(folder)]) for rank in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    return folder


def recorded(path):
    header, *batches = map(json.loads, path.read_text().splitlines())
    norms = [norm for batch in batches for norm in batch["series"]["grad_norm"]]
    losses = [loss for batch in batches for loss in batch["series"]["loss"]]
    return header, norms, losses


def test_the_first_process_records_the_averaged_gradients(folder):
    reports = [
        json.loads((folder / f"report.{rank}.json").read_text()) for rank in range(2)
    ]

    header, norms, _ = recorded(folder / "trace.jsonl")
    assert [path.name for path in folder.glob("trace*")] == ["trace.jsonl"]
    assert header["layers"][0] == {"path": "0", "type": "Linear"}
    assert norms == pytest.approx(reports[0]["norms"], rel=1e-4)
    assert reports[0]["weights"] == reports[1]["weights"]


def test_every_process_records_when_asked_to(folder):
    first, second = (recorded(folder / f"each.rank{rank}.jsonl") for rank in range(2))

    assert first[1] == second[1]
    assert first[2] != second[2]
    assert second[0]["run"] == "Sequential rank 1"
