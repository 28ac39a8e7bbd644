"""One network through the real product, and the same without a service."""

import json
import subprocess
import sys

import pytest

from gradhealth.client import Client
from gradhealth.schemas.analysis import Durations, Options, Result
from tests.support.products import running_product

SPEC = {
    "spec_version": 1,
    "name": "deep-sigmoid",
    "data": {"task": "clusters", "n": 64},
    "model": [
        {
            "repeat": 8,
            "body": [{"type": "Linear", "out_features": 16}, {"type": "Sigmoid"}],
        },
        {"type": "Linear", "out_features": 4},
    ],
    "training": {"optimizer": {"type": "SGD", "lr": 0.1}, "steps": 10},
    "probe": {"seeds": [0, 1], "samples": 16},
}


def timeless(result):
    environment = result.environment.model_copy(update={"durations": Durations()})
    return result.model_copy(update={"environment": environment}).model_dump_json()


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    # No log is so small that it is judged in its request.
    settings = {"GRADHEALTH_MAX_LOG_BYTES_AT_ONCE": "0"}
    with running_product(tmp_path_factory.mktemp("data"), **settings) as running:
        yield running


def test_a_worker_reads_a_log_and_all_its_runs_come_back(product):
    rows = [f"{n},1,{100 - n},{run}" for run in "ab" for n in range(20)]
    log = "\n".join(["_step,_runtime,train/loss,run_id", *rows]).encode()

    with Client(product.url) as client:
        first, second = client.judge_log(log, labels={"branch": "main"})

    assert first.labels == {"branch": "main", "run": "a"}
    assert second.labels == {"branch": "main", "run": "b"}
    assert first.result.verdict == second.result.verdict == "healthy"


def test_over_http_and_on_this_machine_the_numbers_are_the_same(product, tmp_path):
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(SPEC))

    with Client(product.url) as client:
        submitted = client.submit(SPEC, options=Options(verify_fixes=False))
        *_, analysis = client.follow(submitted.id)
    options = ["--local", "--no-verify-fixes", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "gradhealth.cli", "analyze", file, *options],
        stdout=subprocess.PIPE,
        check=True,
    )

    local = Result.model_validate(json.loads(done.stdout)["result"])
    assert analysis.status == "succeeded"
    assert analysis.result.primary == "vanishing_gradient"
    assert analysis.result.theory.backward_gain < 1e-3
    assert timeless(analysis.result) == timeless(local)
