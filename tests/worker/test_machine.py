import pytest

from worker.machine import gpus


@pytest.fixture
def devices(tmp_path, monkeypatch):
    """A folder of device files, as of a machine with two GPUs."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("null", "nvidia1", "nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_machine_without_the_driver_has_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")

    assert gpus(tmp_path) == []


def test_every_gpu_is_found(devices):
    assert gpus(devices) == ["0", "1"]


def test_a_driver_that_shows_no_gpus_has_one(devices):
    (devices / "nvidia0").unlink()
    (devices / "nvidia1").unlink()

    assert gpus(devices) == ["0"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("", []),
        ("-1", []),
        ("1", ["1"]),
        ("GPU-8932f937,0", ["GPU-8932f937", "0"]),
    ],
)
def test_no_more_than_the_visible_ones(devices, monkeypatch, visible, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert gpus(devices) == expected
