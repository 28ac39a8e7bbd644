"""`docs/gate.md` keeps its promises: every command and every snippet in it."""

import io
import re
import shutil

import pytest
from ruamel.yaml import YAML

from gradhealth.cli.exit_codes import ExitCode
from gradhealth.gate.policy import parse_policy
from gradhealth.reports.base import reports
from tests.support.pipelines import ROOT, load, shell

PAGE = (ROOT / "docs/gate.md").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / "examples/ci/gitlab/networks", folder / "networks")
    [policy] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (folder / "gradhealth.toml").write_text(policy)
    (folder / "runs").mkdir()
    rows = [f"{n},{0.98**n},1.0,1.0,{job}" for job in "ab" for n in range(100)]
    header = "it,cost,gnorm/in,gnorm/out,job"
    (folder / "runs/own.csv").write_text("\n".join([header, *rows]))
    (folder / "runs/usual.csv").write_text("step,loss\n1,2.0\n2,1.9\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(repository, command):
    done = shell(command, repository)

    assert done.returncode == 0, done.stderr
    assert "no baseline" not in done.stderr


def test_the_policy_is_one():
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

    assert parse_policy(text).ignore[0].files == ["networks/legacy/*.json"]


def test_the_step_uses_inputs_that_the_action_has():
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    [step] = YAML(typ="safe").load(io.StringIO(text))

    assert step["with"].keys() <= load("action.yml")["inputs"].keys()


def test_the_statuses_and_the_formats_are_those_of_the_code():
    statuses = [int(each) for each in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    table = PAGE.partition("| format | for |\n")[2].partition("\n\n")[0]

    assert statuses == [code.value for code in ExitCode]
    assert {*re.findall(r"^\| (\w+) \|", table, re.MULTILINE)} == reports().keys()


def test_the_options_are_those_of_the_command():
    table = PAGE.partition("## Options")[2].partition("One run")[0]
    told = re.findall(r"(--[a-z][a-z-]+)", table)
    done = shell("gradhealth check --help", ROOT, {"COLUMNS": "200"})

    known = {*re.findall(r"(--[a-z][a-z-]+)", done.stdout)} - {"--help", "--output"}
    assert {*told} == known
