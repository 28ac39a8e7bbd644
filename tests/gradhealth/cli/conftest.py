"""The command line with an analysis that needs no torch."""

import json
from pathlib import Path

import pytest

from gradhealth.cli import main
from service.sockets import listen

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def quick_analysis(monkeypatch):
    monkeypatch.setenv("GRADHEALTH_ANALYSIS_MODULE", "tests.support.quick_analysis")
    monkeypatch.setenv("GRADHEALTH_UNITS_MODULE", "tests.support.faulty_units")
    # The training processes find the tests' modules from any folder.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("GRADHEALTH_SERVER", raising=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder):
    def write(name, **spec):
        spec = {
            "name": name,
            "data": {"task": "clusters"},
            "model": [{"type": "Linear", "out_features": 4}],
            **spec,
        }
        path = folder / f"{name}.json"
        path.write_text(json.dumps(spec))
        return path.name

    return write


@pytest.fixture
def run(capfd):
    """Runs a command: its exit status, and what it wrote to stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        out, err = capfd.readouterr()
        return exit_.value.code or 0, out, err

    return run


@pytest.fixture
def free_listener():
    with listen("127.0.0.1", 0) as listener:
        yield listener
