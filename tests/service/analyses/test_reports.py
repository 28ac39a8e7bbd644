import json

import pytest

from gradhealth.reports.base import reports
from tests.support.requests import SPEC, body, finish


@pytest.fixture
async def finished(api, stores):
    request = body(
        options={"source": {"path": "nets/a.json", "text": json.dumps(SPEC)}}
    )
    analysis = (await api.post("/v1/analyses", json=request)).json()
    await finish(stores, analysis["id"])
    return analysis["id"]


@pytest.mark.parametrize("name", reports())
async def test_a_finished_analysis_is_rendered_in_every_format(api, finished, name):
    answer = await api.get(f"/v1/analyses/{finished}/report?format={name}")

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(reports()[name].media_type)
    assert "nets/a.json" in answer.text


async def test_html_is_what_a_browser_gets_first(api, finished):
    answer = await api.get(f"/v1/analyses/{finished}/report")

    assert answer.text.startswith("<!DOCTYPE html>")


async def test_a_queued_analysis_has_no_report_yet(api):
    analysis = (await api.post("/v1/analyses", json=body())).json()

    answer = await api.get(f"/v1/analyses/{analysis['id']}/report")

    assert answer.status_code == 409
    assert "wait" in answer.json()["detail"]


async def test_a_cancelled_analysis_says_so(api):
    analysis = (await api.post("/v1/analyses", json=body())).json()
    await api.post(f"/v1/analyses/{analysis['id']}/cancel")

    answer = await api.get(f"/v1/analyses/{analysis['id']}/report?format=text")

    assert "cancelled" in answer.text


async def test_unknown_formats_and_ids_are_refused(api, finished):
    poem = await api.get(f"/v1/analyses/{finished}/report?format=poem")
    nobody = await api.get("/v1/analyses/nobody/report")

    assert poem.status_code == 422
    assert "html" in poem.json()["detail"]
    assert nobody.status_code == 404


async def test_an_analysis_compared_with_itself_is_the_same(api, finished):
    answer = await api.get(f"/v1/analyses/{finished}/comparison?baseline={finished}")

    assert answer.status_code == 200, answer.text
    assert answer.json()["standing"] == "same"


async def test_a_comparison_needs_two_results(api, finished):
    analysis = (await api.post("/v1/analyses", json=body())).json()
    path = f"/v1/analyses/{finished}/comparison"

    assert (await api.get(path)).status_code == 422
    assert (await api.get(f"{path}?baseline=nobody")).status_code == 404
    assert (await api.get(f"{path}?baseline={analysis['id']}")).status_code == 409
