"""The application in this process, over the real storage."""

import httpx
import pytest

from service.app import create_app
from service.config import ServiceSettings
from tests.support.storages import open_stores

SMALL_BODY = 10_000


@pytest.fixture(scope="module")
def application(storage):
    """Made once, since its routes are; only what it counted outlives a test."""
    # Tests walk over all routes with a wrong key.
    settings = ServiceSettings(max_body_bytes=SMALL_BODY, wrong_keys_per_minute=1000)
    return create_app(settings, storage)


@pytest.fixture
async def app(application):
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def api(app):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000"
    ) as client:
        yield client


@pytest.fixture
async def stores(storage):
    async with open_stores(storage) as opened:
        yield opened
