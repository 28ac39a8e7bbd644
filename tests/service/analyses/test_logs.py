"""Logs as bodies of `POST /v1/traces`."""

import asyncio
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.app import create_app
from service.config import ServiceSettings
from storage.tables import UploadChunkRow, UploadRow
from tests.support.apis import open_api

SAMPLES = Path(__file__).parents[2] / "samples"
LINES = b"\n".join(
    json.dumps({"step": n, "loss": 2.0 * 0.9**n, "grad_norm": 1.0}).encode()
    for n in range(40)
)
TWO_RUNS = b"_step,_runtime,train/loss,run_id\n" + b"".join(
    b"%d,1,%d,%s\n" % (n, 100 - n, run) for run in (b"a", b"b") for n in range(20)
)


async def post(api, content=LINES, headers=None, **query):
    return await api.post("/v1/traces", params=query, content=content, headers=headers)


async def count(stores, table):
    async with stores.sessions.reading() as session:
        query = select(func.count()).select_from(table)
        return (await session.execute(query)).scalar()


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (LINES, {}),
        (LINES, {"Content-Type": "text/plain"}),
        (gzip.compress(LINES), {}),
        (gzip.compress(LINES), {"Content-Encoding": "gzip"}),
        (gzip.compress(gzip.compress(LINES)), {"Content-Encoding": "gzip"}),
    ],
    ids=["body", "typed", "packed file", "packed transfer", "both"],
)
async def test_a_log_is_judged_at_once(api, content, headers):
    answer = await post(api, content, headers, filename="run.jsonl", label="commit:1")

    assert answer.status_code == 201, answer.text
    analysis = answer.json()
    assert (analysis["kind"], analysis["status"]) == ("trace", "succeeded")
    assert analysis["result"]["verdict"] == "healthy"
    assert analysis["labels"] == {"commit": "1"}
    assert (await api.get(answer.headers["location"])).json() == analysis


async def test_a_form_with_a_file(api):
    files = {"file": ("run.jsonl", LINES, "application/json")}

    answer = await api.post("/v1/traces", files=files)

    assert answer.status_code == 201, answer.text
    report = await api.get(f"{answer.headers['location']}/report?format=text")
    assert report.text.startswith("run.jsonl")


async def test_several_runs_are_several_analyses(api, stores):
    answer = await post(api, TWO_RUNS)

    assert answer.status_code == 201
    assert [item["labels"] for item in answer.json()["items"]] == [
        {"run": "a"},
        {"run": "b"},
    ]
    for item in answer.json()["items"]:
        assert item["status"] == "succeeded"
        assert (await api.get(f"/v1/analyses/{item['id']}")).json() == item


async def test_an_archive_of_runs_is_several_analyses(api):
    packed = io.BytesIO()
    names = [f"experiments/{'deep' * 50}/{n}/log.jsonl" for n in range(2)]
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, LINES)

    answer = await post(api, packed.getvalue(), filename="runs.zip")

    assert answer.status_code == 201, answer.text
    results = [item["result"] for item in answer.json()["items"]]
    assert [result["verdict"] for result in results] == ["healthy"] * 2


@pytest.mark.parametrize(
    "name", ["torch.tfevents", "run.wandb", "mlruns.tar.gz", "lightning.csv"]
)
async def test_files_of_the_libraries_are_judged(api, name):
    content = (SAMPLES / name).read_bytes()

    answer = await post(api, content, filename=name)

    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "succeeded"


async def test_the_report_on_one_of_several_runs_says_which_it_is(api):
    items = (await post(api, TWO_RUNS, filename="history.csv")).json()["items"]

    reports = [
        await api.get(f"/v1/analyses/{item['id']}/report?format=text") for item in items
    ]

    for run, report in zip("ab", reports, strict=True):
        assert report.text.startswith(f"history.csv: {run}: ")


async def test_thresholds_reach_the_detectors(api, stores):
    rows = [
        {
            "step": n,
            "loss": 2.0 * 0.99**n,
            **{f"grad_norm/l.{i}": 0.5**-i for i in range(6)},
        }
        for n in range(200)
    ]
    content = "\n".join(map(json.dumps, rows)).encode()
    thresholds = ["vanishing_gradient.factor:0.7", "vanishing_gradient.total:-1e0"]

    plain = (await post(api, content)).json()
    tuned = (await post(api, content, threshold=thresholds)).json()

    assert "vanishing_gradient" not in json.dumps(plain["result"]["findings"])
    finding = tuned["result"]["findings"][0]
    assert finding["problem"] == "vanishing_gradient"
    assert finding["evidence"][0]["threshold"] == 0.7
    options = await stores.analyses.options(tuned["id"])
    assert options.thresholds == {"vanishing_gradient": {"factor": 0.7, "total": -1.0}}


async def test_a_mapping_and_the_format_are_taken_from_the_address(api):
    content = b"it;cost\n" + b"".join(b"%d;1.0\n" % n for n in range(20))

    answer = await post(api, content, format="csv", map="step:it,loss:cost")

    assert answer.status_code == 201, answer.text
    assert answer.json()["result"]["curves"]["loss"]["steps"][-1] == 19


@pytest.mark.parametrize(
    ("content", "query", "words"),
    [
        (b"not a log", {}, "no log in a known format"),
        (b"", {}, "the file is empty"),
        (LINES, {"format": "jsonll"}, "did you mean 'jsonl'"),
        (LINES, {"map": "loss:nothing"}, "the log has no 'nothing'"),
        (LINES, {"label": "none"}, "key:value"),
        (LINES, {"threshold": "stalled_training"}, "problem.name:value"),
        (LINES, {"threshold": "stalled_training.x:inf"}, "problem.name:value"),
        (LINES, {"threshold": "stalled_training.x:1"}, "has no threshold 'x'"),
        (LINES, {"project": "Not/one"}, "project"),
        (LINES, {"formatt": "csv"}, "formatt"),
    ],
)
async def test_what_cannot_be_read_is_explained_and_not_kept(
    api, stores, content, query, words
):
    before = await count(stores, UploadRow)

    answer = await post(api, content, **query)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text
    assert await count(stores, UploadRow) == before


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
async def test_other_encodings_are_refused(api, encoding):
    answer = await post(api, LINES, {"Content-Encoding": encoding})

    assert answer.status_code == 415
    assert "gzip" in answer.json()["detail"]


@pytest.mark.parametrize(
    "files",
    [{"a": ("a", b"1"), "b": ("b", b"2")}, {"a": (None, b"a field")}],
    ids=["two", "none"],
)
async def test_a_form_without_one_file_is_refused(api, files):
    answer = await api.post("/v1/traces", files=files)

    assert answer.status_code == 422
    assert "one file" in answer.json()["detail"]


async def test_too_large_as_sent_or_unpacked(storage):
    small = ServiceSettings(max_log_bytes=10_000, max_log_unpacked_bytes=50_000)

    async with open_api(create_app(small, storage)) as api:
        sent = await post(api, LINES * 10)
        unpacked = await post(api, gzip.compress(LINES + b"\n" * 50_000))
        fitting = await post(api, LINES)

    assert (sent.status_code, unpacked.status_code) == (413, 413)
    assert fitting.status_code == 201


async def test_an_archive_of_too_many_files_is_refused(storage):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.jsonl", LINES)

    async with open_api(create_app(ServiceSettings(max_log_files=2), storage)) as api:
        answer = await post(api, packed.getvalue(), filename="runs.zip")

    assert answer.status_code == 413
    assert "more than 2 files" in answer.json()["detail"]


KEY = {"Idempotency-Key": "build-1"}


async def test_the_same_request_under_a_key_is_answered_the_same(api, stores):
    sent = await post(api, TWO_RUNS, KEY, filename="a.csv")
    before = await count(stores, UploadRow)

    again = await post(api, TWO_RUNS, KEY, filename="a.csv")

    assert (again.status_code, again.json()) == (201, sent.json())
    assert await count(stores, UploadRow) == before


@pytest.mark.parametrize(
    ("content", "query"), [(LINES, {}), (TWO_RUNS, {"label": "a:b"})]
)
async def test_another_request_under_a_key_is_refused(api, content, query):
    await post(api, TWO_RUNS, {"Idempotency-Key": "build-2"})

    answer = await post(api, content, {"Idempotency-Key": "build-2"}, **query)

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("idempotency-conflict")


async def test_forms_are_the_same_whatever_their_boundary(api):
    headers = {"Idempotency-Key": "build-3"}
    files = {"file": ("run.jsonl", LINES)}

    sent = await api.post("/v1/traces", files=files, headers=headers)
    again = await api.post("/v1/traces", files=files, headers=headers)

    types = {each.request.headers["content-type"] for each in (sent, again)}
    assert len(types) == 2
    assert again.json() == sent.json()


async def test_simultaneous_requests_under_a_key_are_one(api, stores):
    before = await count(stores, UploadRow)
    headers = {"Idempotency-Key": "build-4"}

    answers = await asyncio.gather(*(post(api, LINES, headers) for _ in range(3)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(stores, UploadRow) == before + 1


async def test_an_upload_is_kept_until_its_last_analysis_goes(api, stores):
    before = await count(stores, UploadChunkRow)
    items = (await post(api, TWO_RUNS)).json()["items"]

    assert (await stores.readings.load(items[1]["id"])).content == TWO_RUNS
    await api.delete(f"/v1/analyses/{items[0]['id']}")
    assert await count(stores, UploadChunkRow) == before + 1
    await api.delete(f"/v1/analyses/{items[1]['id']}")
    assert await count(stores, UploadChunkRow) == before
    assert await count(stores, UploadRow) == before


async def test_an_upload_of_many_pieces_comes_back_whole(api, stores):
    content = LINES + b"\n" * 2_500_000
    analysis = (await post(api, content)).json()

    assert (await stores.readings.load(analysis["id"])).content == content


async def test_the_runs_of_a_file_are_listed_together(api):
    items = (await post(api, TWO_RUNS)).json()["items"]
    alone = (await post(api, LINES)).json()

    for each in items:
        listed = await api.get(each["links"]["runs"])
        assert listed.json() == {"items": items, "next_cursor": None}
    assert (await api.get(alone["links"]["runs"])).json()["items"] == [alone]
    assert (await api.get("/v1/analyses/none/runs")).status_code == 404


@pytest.fixture
async def small_api(storage):
    """A service that leaves every log to a worker."""
    settings = ServiceSettings(max_log_bytes_at_once=len(LINES) - 1)
    async with open_api(create_app(settings, storage)) as opened:
        yield opened


async def test_a_large_log_waits_for_a_worker(small_api):
    answer = await post(small_api, label="commit:1", filename="run.jsonl")

    assert answer.status_code == 202, answer.text
    assert answer.headers["retry-after"] == "1"
    analysis = answer.json()
    assert (analysis["kind"], analysis["status"]) == ("trace", "queued")
    assert analysis["progress"]["phase"] == "queued"
    assert analysis["labels"] == {"commit": "1"}
    assert (await small_api.get(answer.headers["location"])).json() == analysis
    cancelled = await small_api.post(analysis["links"]["cancel"])
    assert cancelled.json()["status"] == "cancelled"


@pytest.mark.parametrize(
    "query",
    [{"format": "jsonll"}, {"map": "los:x"}, {"threshold": "stalled_training.x:1"}],
)
async def test_what_is_wrong_beside_a_large_log_is_told_at_once(small_api, query):
    assert (await post(small_api, **query)).status_code == 422


async def test_a_large_log_under_a_key_is_queued_once(small_api, stores):
    headers = {"Idempotency-Key": "large"}
    before = await count(stores, UploadRow)

    answers = await asyncio.gather(*(post(small_api, LINES, headers) for _ in range(3)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(stores, UploadRow) == before + 1
    other = await post(small_api, LINES + b"\n", headers)
    assert other.status_code == 422
