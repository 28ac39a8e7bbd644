"""Names that people give, of files and layers, do nothing in any report but appear."""

import json
import xml.etree.ElementTree as ET

import pytest

from gradhealth.reports.base import Subject, reports
from tests.support.results import a_result

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\"'><svg onload=alert(1)>",
    "end of CDATA": "]]><script>alert(1)</script>",
    "command": "x\n::error file=a::alert",
    "NUL and escape": "a\0\x1b[31m",
    "direction": "\u202egnp.exe",
}


@pytest.fixture(params=HOSTILE)
def rendered(request):
    text = HOSTILE[request.param]
    result = a_result()
    finding = result.findings[0].model_copy(
        update={
            "explanation": text,
            "layers": [text],
            "cause": result.findings[0].cause.model_copy(update={"text": text}),
        }
    )
    hostile = result.model_copy(
        update={"summary": text, "findings": [finding], "notes": [text]}
    )
    subjects = [Subject(text, hostile), Subject(text, None, error=text)]
    return {name: report().render(subjects) for name, report in reports().items()}


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_it_is_no_markup(rendered, name):
    for markup in ("<script>alert", "<img src=x", "<svg onload"):
        assert markup not in rendered[name]


@pytest.mark.parametrize("name", ["json", "sarif", "gitlab"])
def test_json_stays_json(rendered, name):
    assert json.loads(rendered[name])


def test_xml_stays_xml(rendered):
    assert ET.fromstring(rendered["junit"]).tag == "testsuites"


def test_it_is_no_command_of_a_pipeline(rendered):
    for line in rendered["github"].splitlines():
        assert not line.startswith("::error file=a::")


def test_it_does_not_steer_a_terminal(rendered):
    for control in ("\x1b", "\0", "\u202e"):
        assert control not in rendered["text"]
