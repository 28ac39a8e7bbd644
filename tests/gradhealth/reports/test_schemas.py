"""Every report that has a schema, held against it."""

import json
import re
from pathlib import Path

import pytest
import xmlschema
from jsonschema import validators

from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Result, Source
from tests.support.results import a_result

SCHEMAS = Path(__file__).parents[2] / "schemas"
HEALTHY = Result(verdict="healthy", summary="Gradients flow.")
OPEN = Result(verdict="insufficient_data", summary="Train longer.")
SPEC = '{"model": [\n  {"type": "Linear"},\n  {"type": "Sigmoid"}]}'

SUBJECTS = {
    "none": [],
    "healthy": [Subject("a.json", HEALTHY)],
    "one": [
        Subject("a.json", a_result(), source=Source(path="nets/a b.json", text=SPEC))
    ],
    "many": [Subject(f"nets/{i}.json", a_result()) for i in range(50)],
    "runs": [
        Subject(f"log.csv: {run}", result, source=Source(path="log.csv"), run=run)
        for run, result in (("a", a_result()), ("b\n::error::\x00", a_result()))
    ],
    "broken": [
        Subject("x.json", error="the worker died \x00 <&> \ud800"),
        Subject('ö/<&>".json', a_result(), blocking=frozenset({"stalled_training"})),
        Subject("open.json", OPEN),
    ],
}
subjects = pytest.mark.parametrize("subjects", SUBJECTS.values(), ids=SUBJECTS)


def render(name, subjects):
    return reports()[name]().render(subjects)


def check(document, schema):
    schema = json.loads((SCHEMAS / schema).read_text())
    validators.validator_for(schema)(schema).validate(document)


@subjects
def test_sarif(subjects):
    log = json.loads(render("sarif", subjects))

    check(log, "sarif-2.1.0-rtm.5.json")
    [run] = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(result["ruleId"] in rules for result in run["results"])
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert all(re.fullmatch(r"[\w./%-]+", uri, re.ASCII) for uri in uris)


@subjects
def test_gitlab(subjects):
    violations = json.loads(render("gitlab", subjects))

    check(violations, "gitlab-code-quality.json")
    prints = [each["fingerprint"] for each in violations]
    assert len(set(prints)) == len(prints)


@subjects
def test_junit(subjects):
    schema = xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd")

    schema.validate(render("junit", subjects))


@subjects
def test_github(subjects):
    command = re.compile(
        r"::(error|warning|notice) file=[^,:]+,line=[1-9]\d*,title=[^,:]+::\S.*"
    )

    for line in render("github", subjects).splitlines():
        assert command.fullmatch(line) or not line.startswith("::")
