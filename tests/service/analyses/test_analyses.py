import asyncio
import time
import uuid

from tests.support.requests import SPEC, body, finish


async def submit(api, **changes):
    answer = await api.post("/v1/analyses", json=body(**changes))
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


async def test_an_accepted_analysis_can_be_read_where_location_says(api):
    answer = await api.post("/v1/analyses", json=body(labels={"branch": "main"}))

    assert answer.status_code == 202
    assert "retry-after" in answer.headers
    analysis = answer.json()
    assert analysis["status"] == "queued"
    assert analysis["labels"] == {"branch": "main"}
    read = await api.get(answer.headers["location"])
    assert read.status_code == 200
    assert read.json() == analysis


async def test_a_result_comes_with_numbers_that_are_not_finite_as_strings(api, stores):
    analysis_id = await submit(api)

    await finish(stores, analysis_id)

    result = (await api.get(f"/v1/analyses/{analysis_id}")).json()["result"]
    assert result["verdict"] == "critical"
    assert result["findings"][0]["evidence"][0]["spread"] == "NaN"
    assert result["findings"][0]["evidence"][1]["value"] == "Infinity"


async def test_waiting_answers_as_soon_as_it_is_finished(api, stores):
    analysis_id = await submit(api)
    began = time.monotonic()
    waiting = asyncio.create_task(api.get(f"/v1/analyses/{analysis_id}?wait=30"))
    await asyncio.sleep(0.2)

    await finish(stores, analysis_id)

    assert (await waiting).json()["status"] == "succeeded"
    assert time.monotonic() - began < 5


async def test_waiting_in_vain_ends_in_time_with_202(api):
    answer = await api.post("/v1/analyses?wait=0.1", json=body())

    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"


async def test_the_same_key_and_body_are_one_analysis_even_at_the_same_moment(api):
    headers = {"Idempotency-Key": uuid.uuid4().hex}

    answers = await asyncio.gather(
        *(api.post("/v1/analyses", json=body(), headers=headers) for _ in range(8))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_key_of_another_request_is_refused(api):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    await api.post("/v1/analyses", json=body(), headers=headers)

    answer = await api.post(
        "/v1/analyses", json=body(labels={"a": "b"}), headers=headers
    )

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:gradhealth:problem:idempotency-conflict"


async def test_cancelling_stops_it_and_leaves_a_finished_one_alone(api, stores):
    queued, finished = await submit(api), await submit(api)
    await finish(stores, finished)

    answers = [
        await api.post(f"/v1/analyses/{analysis_id}/cancel")
        for analysis_id in (queued, finished)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["status"] for answer in answers] == ["cancelled", "succeeded"]


async def test_a_deleted_analysis_is_gone(api):
    analysis_id = await submit(api)

    first = await api.delete(f"/v1/analyses/{analysis_id}")
    second = await api.delete(f"/v1/analyses/{analysis_id}")

    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert (await api.get(f"/v1/analyses/{analysis_id}")).status_code == 404


async def test_pages_go_from_the_newest_to_the_oldest(api):
    project = f"p{uuid.uuid4().hex}"
    ids = [await submit(api, project=project) for _ in range(5)]

    seen, cursor = [], {}
    while cursor is not None:
        query = {"project": project, "limit": 2, **cursor}
        page = (await api.get("/v1/analyses", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None

    assert seen == ids[::-1]


async def test_a_listing_is_filtered_by_status_verdict_and_label(api, stores):
    project = f"p{uuid.uuid4().hex}"
    healthy = await submit(api, project=project, labels={"url": "http://x:1"})
    await finish(stores, healthy, verdict="healthy")
    queued = await submit(api, project=project)

    async def ids(**query):
        page = await api.get("/v1/analyses", params={"project": project, **query})
        return [item["id"] for item in page.json()["items"]]

    assert await ids(status="queued") == [queued]
    assert await ids(verdict="healthy") == [healthy]
    assert await ids(label="url:http://x:1") == [healthy]
    assert await ids(label="url:other") == []


async def test_a_spec_mistake_is_pointed_at_in_the_body_as_sent(api):
    spec = {**SPEC, "model": [{"type": "Linnear", "out_features": 4}]}

    answer = await api.post("/v1/analyses", json=body(spec=spec))

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/spec/model/0/type"
    assert "did you mean 'Linear'?" in error["message"]
