import os
import subprocess
import sys
from uuid import uuid4

import pytest

from worker.identity import own_gpu, worker_name


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
from worker.identity import own_gpu, worker_name
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


@pytest.fixture
def gpus():
    """Names that no other test uses."""
    return [f"GPU-{uuid4()}" for _ in range(2)]


def test_each_worker_has_a_gpu_of_its_own_and_sees_no_other(gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(gpus))

    with own_gpu(gpus) as first:
        visible_first = os.environ["CUDA_VISIBLE_DEVICES"]
        with own_gpu(gpus) as second:
            visible_second = os.environ["CUDA_VISIBLE_DEVICES"]

    assert [visible_first, visible_second] == [first, second] == gpus
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ",".join(gpus)


def test_a_worker_too_many_sees_no_gpu(gpus):
    with own_gpu(gpus[:1]), own_gpu(gpus[:1]) as none:
        assert (none, os.environ["CUDA_VISIBLE_DEVICES"]) == ("", "")


def test_a_gpu_is_free_again_once_its_worker_ended(gpus):
    with own_gpu(gpus[:1]) as before:
        pass

    with own_gpu(gpus[:1]) as again:
        assert again == before == gpus[0]
