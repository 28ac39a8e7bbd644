"""The GitHub Action: its schema, and its steps as a runner would run them."""

import json
import os

import pytest

from gradhealth.reports.markdown import MARKER
from tests.support.fake_github import running_github
from tests.support.pipelines import (
    CLASSIFIER,
    PATH,
    ROOT,
    filled,
    is_valid,
    load,
    shell,
)

ACTION = load("action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
DEFAULTS = {f"inputs.{k}": v.get("default", "") for k, v in ACTION["inputs"].items()}


@pytest.fixture
def github():
    with running_github() as running:
        yield running


@pytest.fixture
def runner(tmp_path, github):
    """Runs a step; returns its exit status and what it printed."""
    temp = tmp_path / "temp"
    temp.mkdir()
    (tmp_path / "fine.json").write_text(CLASSIFIER)
    (tmp_path / "sick net.json").write_text(
        CLASSIFIER.replace("classifier", "critical")
    )
    surroundings = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": github.url,
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_REPOSITORY": "our/nets",
        "GITHUB_OUTPUT": str(temp / "output"),
        "GITHUB_STEP_SUMMARY": str(temp / "summary"),
        "RUNNER_TEMP": str(temp),
    }

    def run(name, **inputs):
        values = DEFAULTS | {
            "github.token": "secret",
            "github.event.pull_request.number": "7",
            "steps.check.outputs.status": status_in(temp / "output"),
        }
        values |= {f"inputs.{k.replace('_', '-')}": v for k, v in inputs.items()}
        step = STEPS[name]
        environment = {k: filled(v, values) for k, v in step.get("env", {}).items()}
        environment = {k: filled(v, values) for k, v in environment.items()}
        path = f"{tmp_path / 'bin'}{os.pathsep}{PATH}"
        return shell(step["run"], tmp_path, surroundings | environment | {"PATH": path})

    return run


def stand_in(folder, *, status):
    """A program in the place of gradhealth, which writes down what it is given."""
    log, program = folder / "arguments", folder / "bin/gradhealth"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f"printf '%s\\n' \"${{GRADHEALTH_SERVER+server=$GRADHEALTH_SERVER}}\" > {log}\n"
        f"printf '%s\\n' \"$@\" | tail -n +2 >> {log}\n"
        f"exit {status}\n"
    )
    program.chmod(0o755)
    return log


def status_in(path):
    return path.read_text().strip().removeprefix("status=") if path.exists() else ""


def test_it_meets_the_schema():
    assert is_valid("vendor.github-actions", "action.yml")


def test_every_input_is_used():
    text = (ROOT / "action.yml").read_text()

    assert all(f"inputs.{name}" in text for name in ACTION["inputs"])


def test_no_input_is_pasted_into_a_script():
    assert all("${{" not in step.get("run", "") for step in STEPS.values())


def test_a_healthy_network_passes_with_a_summary(runner, tmp_path):
    done = runner("Check", files="fine.json")

    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert status_in(tmp_path / "temp/output") == "0"
    assert runner("Summary").returncode == 0
    assert (tmp_path / "temp/summary").read_text().startswith(MARKER)
    assert runner("Verdict").returncode == 0


def test_a_sick_one_fails_at_the_end_after_every_report(runner, tmp_path):
    done = runner("Check", files="*.json")

    assert done.returncode == 0
    assert done.stdout.count("::error file=sick net.json,line=7") == 1
    [run] = json.loads((tmp_path / "temp/gradhealth.sarif").read_text())["runs"]
    assert len(run["results"]) == 1
    assert runner("Verdict").returncode == 1


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ({}, []),
        ({"fail_on": "never"}, ["--fail-on", "never"]),
        ({"baseline": "a b.json"}, ["--baseline", "a b.json"]),
        ({"policy": "strict.toml"}, ["--policy", "strict.toml"]),
        ({"fast": "true"}, ["--fast"]),
        (
            {"verify_fixes": "true", "timeout": "60"},
            ["--timeout", "60", "--verify-fixes"],
        ),
        ({"server": "http://gh"}, ["server=http://gh"]),
    ],
)
def test_inputs_become_options(runner, tmp_path, inputs, options):
    log = stand_in(tmp_path, status=2)

    assert runner("Check", files="nets/*.json a.json", **inputs).returncode == 0
    assert runner("Verdict").returncode == 2
    given = log.read_text().splitlines()
    assert given[-3:] == ["--", "nets/*.json", "a.json"]
    assert [each for each in given[: given.index("--format")] if each] == options


def test_the_pull_request_has_one_comment_that_is_updated(runner, github, tmp_path):
    for number in range(120):
        github.add(f"{number}")
    forged = github.add(f"{MARKER}\nby a person")

    report = tmp_path / "temp/gradhealth.md"
    report.write_text(f"{MARKER}\nfirst ümlaut")
    first = runner("Comment on the pull request")
    report.write_text(f"{MARKER}\nsecond")
    second = runner("Comment on the pull request")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert len(github.comments) == 122
    assert forged["body"].endswith("by a person")
    assert github.comments[-1]["body"] == f"{MARKER}\nsecond"
    assert github.tokens == {"Bearer secret"}


def test_without_a_report_nothing_is_said(runner, github):
    assert runner("Comment on the pull request").returncode == 0
    assert runner("Summary").returncode == 0
    assert github.comments == []
