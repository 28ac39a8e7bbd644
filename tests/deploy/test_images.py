"""The images' own commands as processes: migrate, then the service and a worker."""

import re
import socket
import time
from contextlib import contextmanager, suppress

import httpx
import pytest

from gradhealth.client import Client
from gradhealth.schemas.analysis import Options
from tests.support.images import Image, build, installed_by, last
from tests.support.pipelines import is_dockerfile

SPEC = {
    "data": {"task": "clusters", "n": 64},
    "model": [{"type": "Linear", "out_features": 8}, {"type": "ReLU"}],
    "training": {"steps": 10},
    "probe": {"seeds": [0], "samples": 16},
}
STOP_SECONDS = 30


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def images(site, tmp_path, postgres):
    """Both images on a database without tables."""
    (tmp_path / "url").write_text(postgres.create_database())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    volume = tmp_path / "volume"
    volume.mkdir()
    environment = {
        **dict([last("service", "ENV").split("=")]),
        "GRADHEALTH_DATABASE_URL_FILE": str(tmp_path / "url"),
        "GRADHEALTH_PORT": str(port),
    }
    return {
        target: Image(target, site, volume, environment)
        for target in ("service", "worker")
    }


@contextmanager
def started(image):
    process = image.start()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_answer(url, process):
    while process.poll() is None:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/healthz").raise_for_status()
        time.sleep(0.1)
    raise AssertionError("it ended")


# Ten programs start in it, one after the other.
@pytest.mark.timeout(300)
def test_from_an_empty_database_to_a_result_and_a_clean_stop(images):
    service, worker = images["service"], images["worker"]
    with started(worker) as working:
        assert "cannot tell" in worker.check().stderr
        assert service.run("migrate").returncode == 0
        assert "there is no key" in service.run("serve").stderr
        assert service.check().returncode == 1
        created = service.run("key", "create", "--project", "vision")
        key = re.search(r"gh_live_\w+", created.stdout)[0]
        with started(service) as serving:
            url = f"http://127.0.0.1:{service.environment['GRADHEALTH_PORT']}"
            wait_for_answer(url, serving)
            with Client(url, api_key=key) as client:
                submitted = client.submit(SPEC, options=Options(verify_fixes=False))
                *_, analysis = client.follow(submitted.id)
            health = [image.check() for image in (service, worker)]
            serving.terminate()
            working.terminate()
            ended = [process.wait(STOP_SECONDS) for process in (serving, working)]

    assert analysis.status == "succeeded"
    assert [check.returncode for check in health] == [0, 0]
    assert ended == [0, 0]
    assert "no sign of life" in worker.check().stderr


def test_the_service_brings_no_torch_and_the_worker_no_web():
    assert "torch" not in installed_by("service")
    assert "fastapi" not in installed_by("worker")


def test_the_dockerfile_passes_its_linter():
    assert is_dockerfile("Dockerfile")
