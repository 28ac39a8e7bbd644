"""Traces as bodies of `POST /v1/analyses`."""

import json
import zlib

import pytest

from tests.support.logs import a_log

FLAT = [2.303] * 40


def body(trace=None, **changes):
    trace = trace or a_log(num_steps=60).to_json()
    return {"kind": "trace", "trace": {**trace, **changes}}


async def test_a_trace_is_judged_at_once_and_kept_with_its_numbers(api, stores):
    answer = await api.post("/v1/analyses", json=body())

    assert answer.status_code == 201, answer.text
    analysis = answer.json()
    assert (analysis["kind"], analysis["status"]) == ("trace", "succeeded")
    assert analysis["result"]["verdict"] == "healthy"
    assert (await api.get(answer.headers["location"])).json() == analysis
    chunk = await stores.analyses.trace(analysis["id"])
    assert json.loads(zlib.decompress(chunk)) == [body()["trace"]]


@pytest.mark.parametrize(
    "form",
    ["html", "markdown", "text", "json", "sarif", "junit", "gitlab", "github"],
)
async def test_every_report_renders_a_judged_trace(api, form):
    trace = a_log(loss=FLAT, grad_norm=[1.0] * 40).to_json()
    analysis = (await api.post("/v1/analyses", json=body(trace))).json()

    report = await api.get(f"/v1/analyses/{analysis['id']}/report?format={form}")

    assert report.status_code == 200
    assert "stalled" in report.text.lower()


async def test_two_traces_are_compared(api):
    trace = a_log(loss=FLAT, grad_norm=None).to_json()
    healthy = (await api.post("/v1/analyses", json=body())).json()["id"]
    stalled = (await api.post("/v1/analyses", json=body(trace))).json()["id"]

    answer = await api.get(f"/v1/analyses/{stalled}/comparison?baseline={healthy}")

    assert answer.json()["standing"] == "worse"


async def test_not_finite_numbers_are_sent_as_strings(api):
    losses = [
        1.0,
        "NaN",
        "Infinity",
        "-Infinity",
        None,
        *[0.9 - 0.02 * i for i in range(15)],
    ]
    trace = {"trace_version": 1, "steps": [*range(20)], "series": {"loss": losses}}

    result = (await api.post("/v1/analyses", json=body(trace))).json()["result"]

    assert result["primary"] == "non_finite"
    assert result["findings"][0]["step"] == 1


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"steps": "none"}, "/trace/steps", "valid list"),
        ({"trace_version": 2}, "/trace/trace_version", "1"),
        ({"lossses": []}, "/trace/lossses", "unknown key"),
        ({"steps": [0, 2, 1]}, "/trace/steps/2", "ascending"),
        ({"series": {"a/b": [1.0, "nan"]}}, "/trace/series/a~1b", "2 values for 3"),
        ({"series": {"loss": [1, 2, "nan"]}}, "/trace/series/loss/2", '"NaN"'),
        ({"series": {"loss": [1, 2, True]}}, "/trace/series/loss/2", "a number"),
        ({"series": {"loss": [1, 2, 10**400]}}, "/trace/series/loss/2", "too large"),
        ({"layer_series": {"g": [1, 2, 3]}}, "/trace/layer_series/g/0", "a list"),
        (
            {"layer_series": {"g": [[1], [2], [3, 4]]}},
            "/trace/layer_series/g/2",
            "2 values for 1 layers",
        ),
        (
            {"layers": [{"path": "a"}], "layer_series": {"g": [[1, 2]] * 3}},
            "/trace/layer_series/g/0",
            "2 values for 1 layers",
        ),
        ({"context": {"hidden": []}}, "/trace/context/hidden", "not permitted"),
        ({"context": {"clip_max_norm": 0}}, "/trace/context/clip_max_norm", "above 0"),
    ],
)
async def test_a_mistake_in_a_trace_is_pointed_at(api, changes, pointer, words):
    trace = {"trace_version": 1, "steps": [0, 1, 2], **changes}

    answer = await api.post("/v1/analyses", json={"kind": "trace", "trace": trace})

    assert answer.status_code == 422, answer.text
    pointers = {each["pointer"]: each["message"] for each in answer.json()["errors"]}
    assert pointer in pointers, pointers
    assert words in pointers[pointer]


async def test_thresholds_of_ones_own_are_held_against(api):
    trace = a_log(layer_norms=[[0.36, 0.6, 1.0]] * 40, num_steps=40).to_json()
    options = {"thresholds": {"vanishing_gradient": {"factor": 0.7}}}

    default = await api.post("/v1/analyses", json=body(trace))
    own = await api.post("/v1/analyses", json=body(trace) | {"options": options})

    assert default.json()["result"]["primary"] is None
    assert own.json()["result"]["primary"] == "vanishing_gradient"


async def test_a_threshold_nobody_knows_is_refused(api):
    options = {"thresholds": {"divergence": {"gone": 1}}}

    answer = await api.post("/v1/analyses", json=body() | {"options": options})

    assert answer.status_code == 422
    assert (
        answer.json()["errors"][0]["pointer"] == "/options/thresholds/divergence/gone"
    )


async def test_the_same_key_and_trace_are_one_analysis(api):
    headers = {"Idempotency-Key": "trace"}

    answers = [
        await api.post("/v1/analyses", json=body(), headers=headers) for _ in "12"
    ]

    assert len({answer.json()["id"] for answer in answers}) == 1
