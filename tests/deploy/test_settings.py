"""What deployments set are settings there are."""

import re

import pytest

from tests.support.pipelines import ROOT

README = (ROOT / "README.md").read_text()
KNOWN = {*re.findall(r"^\| `(GRADHEALTH_\w+)`", README, re.MULTILINE)}
FILES = [
    ROOT / "Dockerfile",
    ROOT / "docker-compose.yml",
    ROOT / "docs/operations.md",
    *ROOT.glob("deploy/**/*.yaml"),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_setting_of_a_deployment_is_known(file):
    assert {*re.findall(r"GRADHEALTH_[A-Z_]*[A-Z]", file.read_text())} <= KNOWN
