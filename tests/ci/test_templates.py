"""The GitLab template and the pre-commit hooks, run as those systems run them."""

import shlex
from pathlib import Path

import pytest

from tests.support.pipelines import CLASSIFIER, is_manifest, is_valid, load, shell

GITLAB = "ci/gitlab/gradhealth.gitlab-ci.yml"
HOOKS = {hook["id"]: hook for hook in load(".pre-commit-hooks.yaml")}


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "networks").mkdir()
    for name, text in {
        "fine": CLASSIFIER,
        "sick": CLASSIFIER.replace("classifier", "critical"),
        "deep": CLASSIFIER.replace(
            '"model": [',
            '"model": [{"repeat": 20, "body": [{"type": "Linear", "out_features": 8},'
            ' {"type": "Sigmoid"}]},',
        ),
        "recurrent": '{"data": {"task": "recall"}, "model": [{"type": "RNN",'
        ' "hidden_size": 4, "return": "last"}, {"type": "Linear", "out_features": 4}]}',
    }.items():
        (tmp_path / f"networks/{name}.json").write_text(text)
    return tmp_path


def test_the_gitlab_template_meets_the_schema():
    assert is_valid("vendor.gitlab-ci", GITLAB)


@pytest.mark.parametrize(("files", "status"), [("[fs]*", 1), ("none-*", 3)])
def test_the_gitlab_job_fails_with_its_reports(repository, files, status):
    job = load(GITLAB)["gradient-health"]
    variables = job["variables"] | {"GRADHEALTH_FILES": f"networks/{files}.json"}

    done = shell("\n".join(job["script"]), repository, variables)

    assert done.returncode == status
    reports = [*job["artifacts"]["reports"].values(), *job["artifacts"]["paths"]]
    assert all(Path(repository, report).stat().st_size for report in reports)


def test_the_hooks_are_a_manifest():
    assert is_manifest(".pre-commit-hooks.yaml")


def run_hook(name, repository, *files):
    command = shlex.split(HOOKS[name]["entry"])
    return shell(shlex.join([*command, *files]), repository).returncode


def test_the_fast_hook_stops_what_surely_fails_and_nothing_else(repository):
    fast = "gradhealth-fast"

    assert run_hook(fast, repository, "networks/fine.json") == 0
    assert run_hook(fast, repository, "networks/recurrent.json") == 0
    assert run_hook(fast, repository, "networks/fine.json", "networks/deep.json") == 1


def test_the_full_hook_is_the_gate(repository):
    assert run_hook("gradhealth", repository, "networks/sick.json") == 1
