"""Runs over HTTP: announced, sent, judged."""

import gzip

import numpy as np
import pytest

from tests.support.live_runs import LAYERS, a_batch, announce, send

FLAT, FALLING = [2.303] * 40, [2.303 * 0.9**step for step in range(40)]


async def test_a_run_is_announced_and_read(api):
    answer = await api.post(
        "/v1/runs", json={"name": "mine", "layers": LAYERS, "config": {"lr": 0.1}}
    )

    assert answer.status_code == 201, answer.text
    run = (await api.get(answer.headers["location"])).json()
    assert (run["name"], run["num_layers"], run["num_steps"]) == ("mine", 3, 0)
    assert run["config"] == {"lr": 0.1}
    assert run["result"]["verdict"] == "insufficient_data"


@pytest.mark.parametrize("form", ["json", "gzip", "binary", "gzip of binary"])
async def test_a_batch_is_taken_in_every_form(api, form):
    run = await announce(api)
    losses = FALLING[:20]

    answer = await send(api, run, a_batch(losses), form)

    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "sequence": 0,
        "is_repeat": False,
        "num_steps": 20,
        "last_step": 19,
    }
    result = (await api.get(f"/v1/runs/{run}")).json()["result"]
    assert result["curves"]["loss"]["mean"] == pytest.approx(losses, rel=1e-5)
    assert result["layers"][0]["grad_norm"]["start"]["mean"] == pytest.approx(1.0, 0.5)


async def test_the_diagnosis_is_that_of_all_that_came(api):
    run = await announce(api, config={"trivial_loss": 2.303})

    await send(api, run, a_batch(FLAT))
    stalled = (await api.get(f"/v1/runs/{run}")).json()
    await send(api, run, a_batch(FALLING * 3, sequence=1, first_step=40))
    learning = (await api.get(f"/v1/runs/{run}")).json()

    assert stalled["primary"] == stalled["result"]["primary"] == "stalled_training"
    assert stalled["judged_step"] == 39
    assert learning["verdict"] == learning["result"]["verdict"]
    assert learning["judged_step"] == learning["last_step"] == 159


async def test_a_repeat_is_harmless(api):
    run = await announce(api)
    for sequence in (0, 1, 1, 0):
        batch = a_batch(FLAT, sequence=sequence, first_step=40 * sequence)
        answer = await send(api, run, batch)

        assert answer.status_code == 200
    assert answer.json()["is_repeat"]
    assert (await api.get(f"/v1/runs/{run}")).json()["num_steps"] == 80


@pytest.mark.parametrize(
    ("sequence", "first_step"), [(2, 40), (5, 10), (1, 100)], ids=str
)
async def test_what_does_not_go_on_where_the_run_stands_is_refused(
    api, sequence, first_step
):
    run = await announce(api)
    await send(api, run, a_batch(FLAT, sequence=2, first_step=10))

    answer = await send(
        api, run, a_batch(FLAT, sequence=sequence, first_step=first_step)
    )

    assert answer.status_code == 409
    assert "batch 2, which ends with step 49" in answer.json()["detail"]


async def test_batches_may_be_missing(api):
    run = await announce(api)
    await send(api, run, a_batch(FLAT))

    answer = await send(api, run, a_batch(FLAT, sequence=7, first_step=500))

    assert answer.status_code == 200
    assert (await api.get(f"/v1/runs/{run}")).json()["num_steps"] == 80


async def test_the_same_key_and_body_are_one_run(api):
    headers = {"Idempotency-Key": "a spool"}
    first, again, other = [
        await api.post("/v1/runs", json={"name": name}, headers=headers)
        for name in ("one", "one", "another")
    ]

    assert first.json()["id"] == again.json()["id"]
    assert other.status_code == 422


BROKEN = [
    ({"content": b"{", "headers": {}}, 400, "not valid JSON"),
    ({"content": b"{}", "headers": {"Content-Type": "text/csv"}}, 415, "octet-stream"),
    ({"content": b"{}", "headers": {"Content-Encoding": "br"}}, 415, "gzip"),
    ({"content": b"{}", "headers": {"Content-Encoding": "gzip"}}, 400, "unpacked"),
    (
        {"content": gzip.compress(b"{}")[:-9], "headers": {"Content-Encoding": "gzip"}},
        400,
        "ends early",
    ),
    (
        {
            "content": gzip.compress(bytes(100_000)),
            "headers": {"Content-Encoding": "gzip"},
        },
        413,
        "larger than",
    ),
    (
        {"content": b"no", "headers": {"Content-Type": "application/octet-stream"}},
        422,
        "u32",
    ),
]


@pytest.mark.parametrize(("request_", "status", "words"), BROKEN)
async def test_what_is_no_batch_is_refused(api, request_, status, words):
    run = await announce(api)

    answer = await api.post(f"/v1/runs/{run}/batches", **request_)

    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"steps": [3, 2]}, "/steps/1"),
        ({"steps": [2**60, 2**61]}, "/steps/0"),
        ({"sequence": -1}, "/sequence"),
        ({"series": {"loss": [1.0]}}, "/series/loss"),
        ({"series": {"loss": [1.0, "much"]}}, "/series/loss/1"),
        ({"layer_series": {"a": [[1, 2, 3], [1, 2]]}}, "/layer_series/a/1"),
        (
            {"layer_series": {"a": [[1, 2], [1, 2]], "b": [[1], [1]]}},
            "/layer_series/b/0",
        ),
        ({"layers": []}, "/layers"),
    ],
)
async def test_a_mistake_in_a_batch_is_pointed_at(api, changes, pointer):
    run = await announce(api)
    document = {"sequence": 0, "steps": [0, 1], **changes}

    answer = await api.post(f"/v1/runs/{run}/batches", json=document)

    assert answer.status_code == 422, answer.text
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}


async def test_two_layers_of_one_path_are_refused(api):
    layers = [{"path": path} for path in ("a", "b", "a")]

    answer = await api.post("/v1/runs", json={"name": "x", "layers": layers})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/layers/2/path"
    assert "the same path as layer 0" in error["message"]


async def test_rows_of_another_number_of_layers_are_refused(api):
    run = await announce(api)
    document = {"sequence": 0, "steps": [0], "layer_series": {"grad_norm": [[1, 2]]}}

    answer = await api.post(f"/v1/runs/{run}/batches", json=document)

    assert answer.status_code == 422
    assert "2 layers" in answer.json()["detail"]
    assert (await api.get(f"/v1/runs/{run}")).json()["num_steps"] == 0


@pytest.mark.parametrize(
    ("announcement", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x", "layers": [{"path": "a", "kind": "b"}]}, "/layers/0/kind"),
        ({"name": "x", "config": {"trivial_loss": "log"}}, "/config/trivial_loss"),
        ({"name": "x", "layers": [{"path": ""}]}, "/layers/0/path"),
    ],
)
async def test_a_mistake_in_an_announcement_is_pointed_at(api, announcement, pointer):
    answer = await api.post("/v1/runs", json=announcement)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_runs_are_listed_newest_first(api):
    ids = [await announce(api, project="listing") for _ in range(3)]

    page = (await api.get("/v1/runs?project=listing&limit=2")).json()
    query = {"project": "listing", "cursor": page["next_cursor"]}
    rest = (await api.get("/v1/runs", params=query)).json()

    assert [run["id"] for run in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert page["items"][0]["result"] is None


async def test_a_deleted_run_is_gone(api):
    run = await announce(api)
    await send(api, run, a_batch(FLAT))

    assert (await api.delete(f"/v1/runs/{run}")).status_code == 204

    for answer in (
        await api.get(f"/v1/runs/{run}"),
        await api.delete(f"/v1/runs/{run}"),
        await send(api, run, a_batch(FLAT, sequence=1, first_step=40)),
    ):
        assert answer.status_code == 404
        assert "no run" in answer.json()["detail"]


async def test_numbers_that_are_not_finite_arrive(api):
    run = await announce(api)
    losses = [*FALLING[:20], "NaN", "Infinity", None]
    document = {"sequence": 0, "steps": [*range(23)], "series": {"loss": losses}}

    await api.post(f"/v1/runs/{run}/batches", json=document)

    run = (await api.get(f"/v1/runs/{run}")).json()
    assert run["primary"] == "non_finite"


async def test_norms_beyond_float32_stay_finite(api):
    run = await announce(api)
    document = {
        "sequence": 0,
        "steps": [*range(20)],
        "series": {"grad_norm": [1e300] * 20},
    }

    await api.post(f"/v1/runs/{run}/batches", json=document)

    curves = (await api.get(f"/v1/runs/{run}")).json()["result"]["curves"]
    assert np.isfinite(curves["grad_norm"]["mean"][0])
