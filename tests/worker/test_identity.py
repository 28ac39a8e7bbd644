import subprocess
import sys
from uuid import uuid4

import pytest

from worker.identity import worker_name


@pytest.fixture
def database():
    return f"sqlite:///{uuid4()}"


def test_workers_get_different_names(database):
    with worker_name(None, database) as first, worker_name(None, database) as second:
        assert first.endswith("0")
        assert second.endswith("1")

    with worker_name(None, database) as again:
        assert again == first


def test_a_name_is_free_again_once_its_process_is_gone(database):
    code = f"""
import os
from worker.identity import worker_name
with worker_name("gpu", {database!r}):
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)

    with worker_name("gpu", database) as name:
        assert name == "gpu"


def test_a_wanted_name_is_refused_while_it_is_taken(database):
    with worker_name("a/b", database):
        with (
            pytest.raises(SystemExit, match="'a/b' runs on this machine already"),
            worker_name("a/b", database),
        ):
            pass

        with worker_name("a/b", f"{database}2") as elsewhere:
            assert elsewhere == "a/b"
