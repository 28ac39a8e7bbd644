import json

import pytest

from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Result
from tests.support.results import a_result

HEALTHY = Result(verdict="healthy", summary="Gradients flow.")


@pytest.mark.parametrize("report", reports().values(), ids=reports().keys())
@pytest.mark.parametrize(
    "subjects",
    [
        [],
        [Subject("healthy", HEALTHY)],
        [Subject("failed", error="the worker died")],
        [Subject("much", a_result()), Subject("healthy", HEALTHY)],
    ],
    ids=["none", "healthy", "failed", "several"],
)
def test_every_format_renders_none_one_and_many(report, subjects):
    text = report().render(subjects)

    assert text.strip()
    loud = [each for each in subjects if each.findings or each.error]
    assert all(subject.name in text for subject in loud)
    assert report.media_type


def test_the_formats_are_found():
    assert {"text", "json"} <= reports().keys()


def test_json_is_one_object_for_one_and_items_for_several():
    render = reports()["json"]().render

    one = json.loads(render([Subject("net", a_result())]))
    several = json.loads(render([Subject("a", HEALTHY), Subject("b", error="x")]))

    assert one["result"]["verdict"] == "critical"
    assert one["result"]["findings"][0]["evidence"][0]["spread"] == "NaN"
    assert [item["name"] for item in several["items"]] == ["a", "b"]
    assert several["items"][1]["error"] == "x"
    assert several["items"][1]["result"] is None
