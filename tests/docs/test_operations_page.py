"""docs/operations.md tells all metrics, all events and all of `/readyz`."""

import json
import re
import time

from prometheus_client.parser import text_string_to_metric_families

from gradhealth.schemas.webhook import EVENT_TYPES, EndedAnalysis, RunAlert
from service.app import create_app
from service.config import ServiceSettings
from service.monitoring.readiness import ReadinessReport
from service.webhooks.signatures import signed_headers
from storage.config import StorageSettings
from storage.database.migrate import migrate
from tests.support.apis import open_api
from tests.support.stories import DOCS

PAGE = (DOCS / "operations.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def rows(*headings):
    """The rows of the table with these headings, as lists of cells."""
    head = "| " + " | ".join(headings) + " |\n"
    _, found, rest = PAGE.partition(head)
    assert found, head
    table = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def names(cell):
    return re.findall(r"`([\w.]+)`", cell)


async def test_every_metric_is_in_the_table_with_its_labels(tmp_path):
    storage = StorageSettings(data_dir=tmp_path, database_url=None)
    await migrate(storage)
    async with open_api(create_app(ServiceSettings(), storage)) as api:
        await api.post("/v1/analyses", json={})
        text = (await api.get("/metrics")).text
    told = {
        names(name)[0].removesuffix("_total"): {*names(labels)}
        for name, labels, *_ in rows("metric", "labels", "of", "says")
    }

    shown = {
        family.name: {key for sample in family.samples for key in sample.labels}
        for family in text_string_to_metric_families(text)
        if not family.name.startswith("process_")
    }
    assert told.keys() == shown.keys()
    for name, labels in shown.items():
        # A family without samples has nothing to show them by.
        assert labels - {"le"} in (told[name], set()), name


def test_the_alarms_are_about_metrics_there_are():
    told = {names(name)[0] for name, *_ in rows("metric", "labels", "of", "says")}

    watched = re.findall(
        r"gradhealth_\w+", PAGE.partition("rules:")[2].partition("```")[0]
    )
    assert watched
    assert {name.removesuffix("_count") for name in watched} <= told


def test_every_event_is_in_the_table_with_its_data():
    told = {
        event: names(data)
        for events, _, data in rows("event", "when", "`data`")
        for event in names(events)
    }

    assert told == {
        event: [*(RunAlert if event == "run.alert" else EndedAnalysis).model_fields]
        for event in EVENT_TYPES
    }


def test_everything_of_readiness_is_in_the_table():
    told = {names(field)[0] for field, _ in rows("field", "says")}

    assert told == ReadinessReport.model_fields.keys()


def test_the_snippet_opens_what_is_signed(capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    data = {"verdict": "critical", "labels": {"commit": "1"}, "summary": "It vanishes."}
    event = {"type": "analysis.succeeded", "data": data}
    body = json.dumps(event).encode()
    headers = signed_headers(SECRET, "msg_1", int(time.time()), body)
    namespace: dict = {}

    exec(snippet, namespace)

    assert namespace["receive"](headers, body, SECRET) == event
    assert capsys.readouterr().out == "{'commit': '1'}: It vanishes.\n"
