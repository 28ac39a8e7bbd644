"""A real service on both stores, and requests that nobody means well with."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.support.networks import inline
from tests.support.products import resident_mb

JSON = {"Content-Type": "application/json"}
RELU = {"type": "ReLU"}
LINEAR = {"type": "Linear", "out_features": 2}


def request(*layers, **spec):
    known = {"input": {"shape": [8]}, "model": list(layers)}
    return json.dumps({"kind": "architecture", "spec": known | spec}).encode()


def nested(depth):
    inside = b'{"type":"ReLU"}'
    opening, closing = b'{"type":"Residual","body":[' * depth, b"]}" * depth
    head = b'{"kind":"architecture","spec":{"input":{"shape":[8]},"model":['
    return head + opening + inside + closing + b"]}}"


def pickled():
    x = inline(np.zeros((4, 2), np.float32))
    x["npy"] = "gASVCgAAAAAAAACMBmhlbGxvlC4="  # a pickle, base64
    data = {"task": "classification", "x": x, "y": inline(np.array([0, 1, 0, 1]))}
    return json.dumps(
        {"kind": "architecture", "spec": {"data": data, "model": [LINEAR]}}
    ).encode()


HOSTILE = {
    "a million layers by repeat": request({"repeat": 10**6, "body": [RELU]}, LINEAR),
    "a million layers written out": request(*[RELU] * 10**6),
    "half a million layers within the body's bound": request(*[RELU] * 5 * 10**5),
    "nested 10,000 deep": nested(10_000),
    "nested just beyond the limit": nested(40),
    "1e12 parameters": request(
        {"type": "Linear", "out_features": 10**6},
        {"type": "Linear", "out_features": 10**6},
    ),
    "a body of 100 MB": b" " * 100_000_000,
    "NaN": request(LINEAR).replace(b'"out_features": 2', b'"out_features": NaN'),
    "Infinity": request(LINEAR).replace(b'"out_features": 2', b'"out_features": 1e999'),
    "unknown keys": request({**LINEAR, "out_featurs": 3}),
    "truncated": request(LINEAR)[:-20],
    "a pickled array": pickled(),
    "a definition that doubles 40 times": request(
        {"ref": "d0"},
        define={
            f"d{i}": {"body": [{"ref": f"d{i + 1}"}] * 2 if i < 40 else [RELU]}
            for i in range(41)
        },
    ),
}


@pytest.fixture
def service(storage, tmp_path):
    environment = {
        **os.environ,
        "GRADHEALTH_PORT": "0",
        "GRADHEALTH_DATA_DIR": str(storage.data_dir),
    }
    if storage.database_url is not None:
        environment["GRADHEALTH_DATABASE_URL"] = storage.database_url
    log = (tmp_path / "service.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "service"], env=environment, stderr=log
    )
    try:
        yield process, _url(process, Path(log.name))
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _url(process, log):
    while process.poll() is None:
        found = re.search(r"http://\S+", log.read_text())
        if found:
            return found[0]
    raise AssertionError(log.read_text())


@pytest.mark.any_database
async def test_it_refuses_them_all_stays_small_and_stays_alive(service):
    process, url = service
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        await client.get("/readyz")
        before = resident_mb(process.pid)

        for name, body in HOSTILE.items():
            answer = await client.post("/v1/analyses", content=body, headers=JSON)

            assert 400 <= answer.status_code < 500, name
            assert answer.headers["content-type"] == "application/problem+json", name
            assert answer.json()["detail"], name

        assert resident_mb(process.pid) < before + 50
        assert (await client.get("/readyz")).json()["database"] == "ok"
        assert (await client.get("/v1/analyses")).json()["items"] == []


@pytest.mark.any_database
async def test_one_key_sent_eight_times_at_once_is_one_analysis(service):
    _, url = service
    headers = JSON | {"Idempotency-Key": "the same"}
    body = request(LINEAR)
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        answers = await asyncio.gather(
            *(
                client.post("/v1/analyses", content=body, headers=headers)
                for _ in range(8)
            )
        )

        listed = (await client.get("/v1/analyses")).json()["items"]

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == len(listed) == 1


@pytest.mark.any_database
async def test_what_is_no_http_is_a_problem_too(service):
    _, url = service
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBro\0ken: 1\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] == "urn:gradhealth:problem:malformed-request"
