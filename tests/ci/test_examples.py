"""The example of each CI system: its schema, and every command in it."""

import re
import shutil

import pytest

from tests.support.pipelines import ROOT, is_config, is_valid, load, shell

EXAMPLES = ROOT / "examples/ci"
SCHEMAS = {
    "github/.github/workflows/gradients.yml": "vendor.github-workflows",
    "gitlab/.gitlab-ci.yml": "vendor.gitlab-ci",
    "buildkite/.buildkite/pipeline.yml": "vendor.buildkite",
    "circleci/.circleci/config.yml": "vendor.circle-ci",
}


def commands(system):
    """What the system's file runs."""
    path = f"examples/ci/{system}"
    match system:
        case "gitlab":
            return load(f"{path}/.gitlab-ci.yml")["gradient-health"]["script"]
        case "buildkite":
            [step] = load(f"{path}/.buildkite/pipeline.yml")["steps"]
            return step["commands"]
        case "circleci":
            steps = load(f"{path}/.circleci/config.yml")["jobs"]["gradients"]["steps"]
            return [step["run"] for step in steps if "run" in step]
        case "jenkins":
            return re.findall(r"sh '(.*)'", (ROOT / path / "Jenkinsfile").read_text())


@pytest.mark.parametrize(("path", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_each_file_meets_the_schema_of_its_system(path, schema):
    assert is_valid(schema, EXAMPLES / path)


@pytest.mark.parametrize("system", ["gitlab", "jenkins", "buildkite", "circleci"])
def test_the_commands_are_the_gate(tmp_path, system):
    folder = shutil.copytree(EXAMPLES / system, tmp_path / system)
    network = folder / "networks/classifier.json"
    network.write_text(network.read_text().replace('"classifier"', '"critical"'))
    ours = [each for each in commands(system) if not each.startswith("pip install")]
    assert len(ours) < len(commands(system)) or system == "gitlab"

    done = shell("\n".join(ours), folder)

    assert done.returncode == 1, done.stderr
    assert any("gradhealth check" in each for each in ours)


def test_the_github_workflow_uses_inputs_that_the_action_has():
    workflow = load("examples/ci/github/.github/workflows/gradients.yml")
    step = workflow["jobs"]["gradients"]["steps"][-1]

    assert step["with"].keys() <= load("action.yml")["inputs"].keys()
    done = shell(f"gradhealth check {step['with']['files']}", EXAMPLES / "github")
    assert done.returncode == 0


def test_the_pre_commit_configuration_names_a_hook_we_have():
    path = "examples/ci/pre-commit/.pre-commit-config.yaml"
    [repository] = load(path)["repos"]
    hooks = {hook["id"]: hook for hook in load(".pre-commit-hooks.yaml")}

    assert is_config(path)
    [used] = repository["hooks"]
    files = [file.name for file in (EXAMPLES / "pre-commit/networks").iterdir()]
    assert all(re.search(hooks[used["id"]]["files"], file) for file in files)
