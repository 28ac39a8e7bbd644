"""One browser, and one product with something in it to look at."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gradhealth.examples import example_text
from gradhealth.schemas.analysis import Options, Source
from storage.analyses.records import NewAnalysis
from storage.config import StorageSettings
from tests.support.browsers import QUICK, find_browser, open_browser, visit
from tests.support.live_runs import LAYERS, a_batch
from tests.support.pictured import pictured
from tests.support.products import running_product
from tests.support.storages import open_stores

# Where no blank allows a line to break.
PATHS = {"long": f"networks/{'a_long_name_' * 5}.json"}


@pytest.fixture(scope="session")
def browser_path():
    return find_browser()


@pytest.fixture(scope="module")
def browser(browser_path):
    with open_browser(browser_path) as opened:
        yield opened


@dataclass(frozen=True)
class Site:
    """A running product and what is in it, by name."""

    url: str
    folder: Path
    ids: dict[str, str]
    run: str


@pytest.fixture(scope="session")
def site(browser_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("product")
    settings = StorageSettings(data_dir=folder, database_url=None)
    # Smaller ones are judged in their request.
    large = {"GRADHEALTH_MAX_LOG_BYTES_AT_ONCE": "10000"}
    with (
        running_product(folder, **QUICK, **large) as product,
        ThreadPoolExecutor() as threads,
    ):
        ids = threads.submit(asyncio.run, _fill(settings)).result()
        yield Site(product.url, folder, ids, _watched_run(product.url))


def _watched_run(url):
    request = {"name": "a run", "layers": LAYERS, "config": {"trivial_loss": 2.303}}
    run = httpx.post(f"{url}/v1/runs", json=request).json()
    batch = a_batch([2.303] * 60)
    httpx.post(url + run["links"]["batches"], content=batch.to_json())
    return run["id"]


async def _fill(settings):
    vanishing = example_text("vanishing")
    healthy = example_text("healthy")
    spec = json.loads(example_text("healthy"))
    shown = [
        ("long", healthy, pictured(decades_per_layer=0.0, progress=0.95)),
        ("healthy", healthy, pictured(decades_per_layer=0.0, progress=0.95)),
        ("vanishing", vanishing, pictured(spec=spec)),
        *(
            (f"main-{n}", healthy, pictured(decades_per_layer=-0.1 * n, progress=0.9))
            for n in range(3)
        ),
    ]
    async with open_stores(settings) as stores:
        return {
            name: await _store(stores, name, text, result)
            for name, text, result in shown
        }


async def _store(stores, name, text, result):
    in_history = name.startswith("main")
    new = NewAnalysis(
        "architecture",
        json.loads(text),
        options=Options(source=Source(path=PATHS.get(name), text=text)),
        project="vision" if in_history else "default",
        labels={"branch": "main", "commit": f"{name}-0123456789"} if in_history else {},
    )
    created = await stores.analyses.create_finished(new, result)
    return created.id


@pytest.fixture
def seen(browser, site):
    """A page that must be without any fault when the test ends."""
    with visit(browser, site.url) as page:
        yield page
