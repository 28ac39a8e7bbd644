"""Every command and snippet of these pages is run, in order, against a real service."""

import pytest

from tests.support.products import running_product
from tests.support.stories import Story


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running_product(tmp_path_factory.mktemp("data")) as product:
        yield product.url


@pytest.mark.parametrize("page", ["start.md", "api.md", "report.md", "runs.md"])
def test_a_page_does_what_it_says(page, service, tmp_path):
    Story(page, tmp_path, service=service).run()
