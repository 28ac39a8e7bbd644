"""A service with keys, as its people see it."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import expect

from storage.access.keys import KeyStore
from storage.config import StorageSettings
from tests.support.browsers import QUICK, visit
from tests.support.products import running_product
from tests.support.requests import SPEC
from tests.support.storages import open_stores


@dataclass(frozen=True)
class Closed:
    """A product with two keys, and what the owner's project has."""

    url: str
    owner: str
    stranger: str
    analysis_id: str


@pytest.fixture(scope="module")
def closed(browser_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("product")
    settings = StorageSettings(data_dir=folder, database_url=None)
    with running_product(folder, **QUICK) as product, ThreadPoolExecutor() as threads:
        # The browser has the event loop of this thread.
        owner, stranger = threads.submit(asyncio.run, _make_keys(settings)).result()
        # The first key closes the service within a second.
        while httpx.get(f"{product.url}/v1/analyses").status_code == 200:
            time.sleep(0.05)
        created = httpx.post(
            f"{product.url}/v1/analyses",
            json={"kind": "theory", "spec": SPEC},
            headers={"Authorization": f"Bearer {owner}"},
        )
        yield Closed(product.url, owner, stranger, created.json()["id"])


async def _make_keys(settings):
    async with open_stores(settings) as stores:
        store = KeyStore(stores.sessions)
        made = [
            await store.create(project=project, name="", scopes=["read", "write"])
            for project in ("vision", "other")
        ]
    return [key.text for key in made]


def sign_in(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_a_key_leads_back_to_where_one_came_from_and_signing_out_ends_it(
    browser, closed
):
    with visit(browser, closed.url) as page:
        page.go("/new?example=healthy")
        sign_in(page, closed.owner)

        expect(page.get_by_role("heading", name="New analysis")).to_be_visible()
        page.get_by_role("link", name="Analyses").click()
        expect(page.get_by_role("link", name=SPEC["name"])).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.go("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_foreign_key_opens_its_own_project_alone(browser, closed):
    with visit(browser, closed.url) as page:
        page.go("/")
        sign_in(page, closed.stranger)

        expect(page.get_by_text("Nothing was analysed yet.")).to_be_visible()
        page.go(f"/analyses/{closed.analysis_id}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Not Found")
        expect(page.get_by_text(SPEC["name"], exact=True)).to_have_count(0)
        answered(page, 404)


def test_a_key_that_opens_nothing_is_told(browser, closed):
    with visit(browser, closed.url) as page:
        page.go("/")
        sign_in(page, "gh_live_wrong")

        expect(page.get_by_role("alert")).to_contain_text("opens nothing")
        answered(page, 401)


def answered(page, status):
    # The browser reports it, which is right.
    assert all(str(status) in complaint for complaint in page.complaints)
    page.complaints.clear()
