import json

import pytest

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.gate.baselines import parse_baseline, write_baseline
from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Durations, Environment, Result
from tests.support.results import a_result

HEALTHY = Result(verdict="healthy", summary="fine")


def test_what_was_recorded_is_read_back():
    read = parse_baseline(write_baseline({"a.json": a_result(), "b.json": HEALTHY}))

    assert read["b.json"] == HEALTHY
    assert read["a.json"].findings[0].evidence[0].value == 1e-12
    assert read["a.json"].fixes == []


def test_the_json_report_is_a_baseline_too():
    render = reports()["json"]().render
    subjects = [Subject("a", HEALTHY), Subject("b", error="no")]

    assert parse_baseline(render(subjects)) == {"a": HEALTHY}
    assert parse_baseline(render(subjects[:1])) == {"a": HEALTHY}


def test_a_newer_version_may_say_more():
    document = {"name": "a", "new": 1, "result": HEALTHY.model_dump() | {"new": 1}}

    assert parse_baseline(json.dumps(document)) == {"a": HEALTHY}


def test_the_text_depends_on_nothing_but_the_numbers():
    def took(seconds):
        environment = Environment(durations=Durations(total=seconds))
        return HEALTHY.model_copy(update={"environment": environment})

    one = write_baseline({"a": took(1.0), "b": took(2.0)})

    assert one == write_baseline({"b": took(3.0), "a": took(4.0)})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"items": []}', '{"name": "a", "result": {"verdict": 1}}']
)
def test_what_is_no_baseline_is_refused(text):
    with pytest.raises(InvalidDocumentError):
        parse_baseline(text)
