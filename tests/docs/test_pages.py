"""Every command and snippet of these pages is run, in order; they need no service."""

import pytest

from tests.support.stories import Story


@pytest.mark.parametrize("page", ["spec.md"])
def test_a_page_does_what_it_says(page, tmp_path):
    Story(page, tmp_path).run()
