"""docs/api.md names every call and every error."""

import re

import pytest

from gradhealth.exceptions import GradHealthError
from service.app import create_app
from service.config import ServiceSettings
from service.exceptions import ServiceError
from storage.config import StorageSettings
from tests.support.pipelines import ROOT
from tests.support.stories import DOCS

PAGE = (DOCS / "api.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", PAGE, re.MULTILINE)
STATUSES = {
    name.replace("-", "_"): int(status)
    for status, names in ROWS
    for name in re.findall(r"[a-z-]+", names)
}


@pytest.fixture(scope="module")
def app():
    return create_app(ServiceSettings(), StorageSettings())


def test_every_call_is_in_the_table(app):
    told = re.findall(r"^\| `([A-Z]+) (\S+)` \|", PAGE, re.MULTILINE)
    calls = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }

    assert {*told} == calls


def test_every_refusal_is_in_the_table_with_its_status():
    for kind in ServiceError.__subclasses__():
        assert STATUSES[kind.code] == kind.status_code


def test_every_other_error_is_there_and_none_is_made_up(app):
    handled = {
        kind.code
        for kind in app.exception_handlers
        if kind is not ServiceError and _is_ours(kind)
    }
    source = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    written = re.findall(r'(?:problem_response\(\d+, |40\d: )"(\w+)"', source)
    # The answer to whoever went away.
    unread = {"client_disconnected"}

    refusals = {kind.code for kind in ServiceError.__subclasses__()}
    assert STATUSES.keys() == (refusals | handled | {*written}) - unread


def _is_ours(kind):
    return isinstance(kind, type) and issubclass(kind, GradHealthError)
