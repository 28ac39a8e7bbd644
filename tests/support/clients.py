"""A service that says what it is told to, and both clients of it, called alike."""

import asyncio
import inspect

import httpx

from gradhealth.client import AsyncClient, Client


class FakeService:
    """Answers with what it is given, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def asked(self):
        return [f"{each.method} {each.url.raw_path.decode()}" for each in self.requests]


def blocking(service, **settings):
    return Client("http://service", transport=httpx.MockTransport(service), **settings)


class Awaited:
    """An `AsyncClient` whose every method is waited for."""

    def __init__(self, service, **settings):
        self._runner = asyncio.Runner()
        transport = httpx.MockTransport(service)
        self._client = AsyncClient("http://service", transport=transport, **settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._runner.run(self._client.close())
        self._runner.close()

    def __getattr__(self, name):
        def method(*args, **kwargs):
            said = getattr(self._client, name)(*args, **kwargs)
            if inspect.isasyncgen(said):
                return iter(self._runner.run(_listed(said)))
            return self._runner.run(said)

        return method


async def _listed(answers):
    return [answer async for answer in answers]
