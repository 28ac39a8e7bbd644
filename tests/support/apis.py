"""A service in this process, and a client of it."""

from contextlib import asynccontextmanager

import httpx


@asynccontextmanager
async def open_api(app, key=None):
    """A client of the application while it lives, sending an `ApiKey` if given."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1:8000",
            headers={"Authorization": f"Bearer {key.text}"} if key else {},
        ) as client,
    ):
        yield client
