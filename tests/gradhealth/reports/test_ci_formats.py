import json
from xml.etree import ElementTree as ET

import pytest

from gradhealth.reports.base import Subject, reports
from gradhealth.reports.markdown import MARKER, MAX_CHARACTERS
from gradhealth.schemas.analysis import Result, Source
from gradhealth.schemas.finding import Cause
from tests.support.results import a_result

HEALTHY = Result(verdict="healthy", summary="Gradients flow.")
SPEC = """{"spec_version": 1,
 "model": [
  {"repeat": 2, "body": [
    {"type": "Linear"},
    {"type": "Sigmoid"}]},
  {"type": "Linear"}],
 "training": {
  "optimizer": {"type": "SGD",
                "lr": 9}}}"""


def render(name, *subjects):
    return reports()[name]().render(subjects)


def blaming(layers, kind="activation"):
    [finding, *_] = a_result().findings
    cause = Cause(kind=kind, layers=layers, text="it is to blame")
    finding = finding.model_copy(update={"cause": cause, "layers": []})
    result = a_result(findings=[finding])
    return Subject("net.json", result, source=Source(path="net.json", text=SPEC))


@pytest.mark.parametrize(
    ("layers", "kind", "line"),
    [
        (["model.0.1.body.1"], "activation", 5),
        (["model.0.0.body.0"], "initialisation", 4),
        (["model.1"], "depth", 6),
        ([], "learning_rate", 9),
        ([], "loss", 7),
        ([], "unknown", 1),
        (["model.77.body.3"], "depth", 2),
    ],
)
def test_sarif_points_at_the_line_of_what_is_to_blame(layers, kind, line):
    [run] = json.loads(render("sarif", blaming(layers, kind)))["runs"]

    [location] = run["results"][0]["locations"]
    assert location["physicalLocation"]["region"]["startLine"] == line
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "net.json"


def test_a_layer_written_in_a_definition_is_found_there():
    text = json.dumps(
        {
            "define": {"block": {"body": [{"type": "Linear"}, {"type": "Tanh"}]}},
            "model": [{"repeat": 3, "body": [{"ref": "block"}]}],
        },
        indent=0,
    )
    subject = blaming(["model.0.2.body.0.body.1"])
    subject = Subject("n", subject.result, source=Source(path="n", text=text))

    [run] = json.loads(render("sarif", subject))["runs"]

    line = run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert '"Tanh"' in text.splitlines()[line]


def test_fingerprints_stay_when_numbers_change_or_a_layer_is_inserted_above():
    def fingerprints(subject):
        [run] = json.loads(render("sarif", subject))["runs"]
        return [result["partialFingerprints"] for result in run["results"]]

    again = blaming(["model.1"])
    [finding] = again.result.findings
    again.result.findings[0] = finding.model_copy(update={"confidence": 0.1})

    assert fingerprints(blaming(["model.1"])) == fingerprints(again)
    assert fingerprints(blaming(["model.1"])) == fingerprints(blaming(["model.2"]))


def test_fingerprints_tell_the_runs_of_a_log_apart():
    source = Source(path="log.csv")
    runs = [Subject("log.csv", a_result(), source=source, run=run) for run in "ab"]

    results = json.loads(render("sarif", *runs))["runs"][0]["results"]

    marks = {each["partialFingerprints"]["gradhealth/v1"] for each in results}
    assert len(marks) == len(results)


def test_sarif_of_a_healthy_network_has_no_results():
    [run] = json.loads(render("sarif", Subject("ok.json", HEALTHY)))["runs"]

    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"]


def test_junit_fails_for_what_the_gate_fails_for_and_only_for_that():
    strict = Subject("a", a_result(), blocking=frozenset({"stalled_training"}))
    root = ET.fromstring(render("junit", Subject("ok", HEALTHY), strict))

    [failure] = root.iter("failure")
    assert root.get("tests") == "3"
    assert root.get("failures") == "1"
    assert failure.get("message") == "-"


def test_junit_tells_errors_and_skipped_networks_from_failures():
    unknown = Result(verdict="insufficient_data", summary="train longer")
    root = ET.fromstring(
        render(
            "junit", Subject("x", error="the worker died \x00"), Subject("y", unknown)
        )
    )

    assert (root.get("errors"), root.get("failures")) == ("1", "0")
    assert [suite.get("skipped") for suite in root] == ["0", "1"]


def test_gitlab_lists_findings_with_relative_path_line_and_severity():
    [violation] = json.loads(render("gitlab", blaming(["model.1"])))

    assert violation["location"] == {"path": "net.json", "lines": {"begin": 6}}
    assert violation["severity"] == "critical"
    assert json.loads(render("gitlab", Subject("ok", HEALTHY))) == []


def test_github_commands_cannot_be_broken_by_a_name():
    subject = Subject("a,b::error\n::warning::x", a_result())

    lines = render("github", subject).splitlines()

    assert len(lines) == 2
    assert lines[0].startswith("::error file=a%2Cb%3A%3Aerror%0A%3A%3Awarning")


def test_markdown_carries_its_marker_and_cannot_be_formatted_by_a_name():
    text = render("markdown", Subject("<img src=x>|`a`\n# b @all", a_result()))

    assert text.startswith(MARKER)
    assert "<img" not in text
    assert "&lt;img src=x&gt;\\|\\`a\\` \\# b @&#8203;all" in text
    assert "nn.ReLU()" in text


def test_markdown_stays_below_the_limit_of_a_comment():
    text = render("markdown", *(Subject(f"net-{i}", a_result()) for i in range(200)))

    assert len(text) <= MAX_CHARACTERS
    assert "Cut here" in text


def test_what_is_cut_says_where_the_whole_is():
    subjects = [Subject(f"net-{i}", a_result()) for i in range(200)]

    text = reports()["markdown"]("https://ci/run/7").render(subjects)

    assert len(text) <= MAX_CHARACTERS
    assert text.endswith("[this run](https://ci/run/7)._\n")
    assert "</details>" in text[-200:]


def test_markdown_says_first_what_the_gate_says():
    def headline(*subjects):
        return render("markdown", *subjects).splitlines()[3]

    passing = Subject("ok", HEALTHY, blocking=frozenset())
    known = Subject("known", a_result(), blocking=frozenset())
    failing = Subject("bad", a_result(), blocking=frozenset({"vanishing_gradient"}))
    broken = Subject("broken", error="not JSON")

    assert headline(passing, failing, broken) == "❌ **The gate failed** for 1 of 3."
    assert headline(passing, broken) == "❗ **No result** for 1 of 2."
    assert headline(passing, known).startswith("✅ **The gate passed.** Critical")
    assert headline(passing) == "✅ **The gate passed.**"
    # Nobody asked for a gate.
    assert headline(Subject("ok", HEALTHY)).startswith("| |")


def test_an_annotation_is_an_error_only_where_the_gate_fails():
    failing = Subject("a", a_result(), blocking=frozenset({"vanishing_gradient"}))
    passing = Subject("a", a_result(), blocking=frozenset())

    assert "::error " in render("github", failing)
    assert "::error " not in render("github", passing)
    assert "::warning " in render("github", passing)


def test_markdown_says_what_may_help_where_nothing_was_tried():
    untried = [fix.model_copy(update={"trial": None}) for fix in a_result().fixes]
    text = render("markdown", Subject("a", a_result(fixes=untried)))

    assert "What may help (`--verify-fixes` proves it by training):" in text
    assert "Not proved" not in text
