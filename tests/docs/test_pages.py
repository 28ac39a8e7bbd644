"""Every command and snippet of these pages is run, in order; they need no service."""

import shutil

import pytest

from tests.support.pipelines import ROOT
from tests.support.stories import Story

# What of the project a page that adds to it needs.
FOLDERS = ("gradhealth", "worker", "tests")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project, to be changed."""
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", ["spec.md", "operations.md"])
def test_a_page_does_what_it_says(page, tmp_path):
    Story(page, tmp_path).run()


def test_what_a_page_adds_to_the_project_is_found(checkout):
    Story("extending.md", checkout).run()
