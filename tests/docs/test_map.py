"""Nobody who follows a link stands before nothing, and every page can be found."""

import re

import pytest

from tests.support.pipelines import ROOT
from tests.support.stories import DOCS

PAGES = [*DOCS.glob("*.md"), *ROOT.glob("*.md")]


def links(page):
    return re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        assert (page.parent / link).exists(), link


def test_the_map_has_every_page():
    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}

    assert {*links(DOCS / "index.md")} == pages
