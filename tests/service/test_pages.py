"""Pages without a browser: what is in them, and what is never."""

import html
import json
import re
from html.parser import HTMLParser

import pytest

from service.app import create_app
from service.config import ServiceSettings
from tests.support.apis import open_api
from tests.support.live_runs import a_batch, announce, send
from tests.support.requests import SPEC, body, finish

PERSON = {"Accept": "text/html,*/*;q=0.8", "Origin": "http://127.0.0.1:8000"}
HOSTILE = "<script>alert(1)</script><b onclick=x>'\""


@pytest.fixture
async def everything(api, stores):
    """The addresses of all pages that show something, which is named by an attacker."""
    request = body(
        spec={**SPEC, "name": HOSTILE},
        project="vision",
        labels={"branch": "main", "commit": HOSTILE},
    )
    ids = [(await api.post("/v1/analyses", json=request)).json()["id"] for _ in "abc"]
    for id_ in ids[:2]:
        await finish(stores, id_, summary=HOSTILE)
    run = await announce(api, name=HOSTILE)
    await send(api, run, a_batch([2.3] * 20))
    return [
        "/",
        "/?label=branch:main&verdict=critical",
        f"/analyses/{ids[0]}",
        f"/analyses/{ids[2]}",
        f"/compare?pair={ids[0]}&pair={ids[1]}",
        "/projects/vision",
        f"/new?from={ids[0]}",
        "/new/log",
        "/runs",
        f"/runs/{run}",
        "/docs",
        "/sign-in",
        "/analyses/unknown",
    ]


async def test_nothing_foreign_and_nothing_inline_is_in_any_page(api, everything):
    for address in everything:
        answer = await api.get(address, headers=PERSON)

        assert answer.headers["content-type"] == "text/html; charset=utf-8", address
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        for tag, attributes in tags(answer.text):
            names = attributes.keys()
            assert tag != "style"
            assert tag != "script" or attributes["src"].startswith("/static/")
            assert not any(name == "style" or name[:2] == "on" for name in names)
            for name in names & {"src", "href", "action"}:
                assert re.match(r"[/#](?!/)", attributes[name]), (address, attributes)


def tags(text):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, pairs: found.append((tag, dict(pairs)))
    parser.feed(text)
    return found


async def test_a_name_stays_text_wherever_it_is_shown(api, everything):
    shown = 0
    for address in everything:
        text = (await api.get(address, headers=PERSON)).text
        shown += "&lt;script&gt;alert(1)" in text

        assert "<script>alert" not in text, address
        assert "<b onclick" not in text, address
    assert shown >= 8


async def test_what_is_missing_is_a_page_for_people_and_a_problem_for_programs(api):
    page = await api.get("/analyses/unknown", headers=PERSON)
    problem = await api.get("/analyses/unknown")

    assert page.status_code == problem.status_code == 404
    assert "<h1>" in page.text
    assert problem.headers["content-type"] == "application/problem+json"


async def test_a_form_that_is_sent_twice_is_one_analysis(api):
    form = await api.get("/new?example=healthy")
    fields = {
        "token": re.search(r'name="token" value="(.+?)"', form.text)[1],
        "spec": json.dumps(SPEC),
        "kind": "theory",
        "project": "",
        "labels": "",
    }
    first = await api.post("/new", data=fields)
    again = await api.post("/new", data=fields)
    another = await api.post("/new", data={**fields, "token": "another"})

    assert first.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    assert another.headers["location"] != first.headers["location"]


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ('{\n"model": [\n{"type": "Linear",\n "out_feature": 4}]}', 4),
        ('{\n"model": [}', 2),
        ('{\n"data": {"task": "clusters"}\n}', 1),
    ],
    ids=["unknown key", "no JSON", "missing key"],
)
async def test_a_mistake_is_told_at_its_line_with_what_was_typed(api, spec, line):
    answer = await api.post("/new", data={"spec": spec, "labels": "a:b"})

    assert answer.status_code == 422
    assert f'data-wrong="{line}' in answer.text
    assert html.escape(spec, quote=False) in answer.text.replace("&#34;", '"')
    assert 'value="a:b"' in answer.text


async def test_several_runs_in_a_log_lead_to_the_list(api):
    rows = [f"{n},1,{100 - n},{run}" for run in "ab" for n in range(20)]
    log = "\n".join(["_step,_runtime,train/loss,run_id", *rows]).encode()

    answer = await api.post(
        "/new/log",
        files={"file": ("history.csv", log)},
        data={"project": "several"},
    )

    assert answer.status_code == 303
    listed = await api.get(answer.headers["location"])
    assert listed.text.count('type="checkbox"') == 2
    address = re.search(r'href="(/analyses/\w+)"', listed.text)[1]
    shown = await api.get(address)
    assert "2 runs in this file" in shown.text
    assert re.search(r'<a href="/analyses/\w+">[ab]</a>', shown.text)


async def test_a_large_log_leads_to_its_progress(storage):
    settings = ServiceSettings(max_log_bytes_at_once=0)
    files = {"file": ("run.jsonl", b'{"step": 0, "loss": 1.0}\n')}

    async with open_api(create_app(settings, storage)) as api:
        answer = await api.post("/new/log", files=files)
        shown = await api.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "run.jsonl</h1>" in shown.text
    assert "Reading the log" in shown.text
    assert "Training under the probe" not in shown.text
    assert "No worker is alive" in shown.text


@pytest.mark.parametrize(
    ("field", "value"), [("map", "step"), ("labels", "branch"), ("format", "nonsense")]
)
async def test_what_is_said_wrongly_about_a_log_is_told_and_kept(api, field, value):
    files = {"file": ("run.jsonl", b'{"step": 0, "loss": 1.0}\n')}

    answer = await api.post("/new/log", files=files, data={field: value})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    if field != "format":
        assert f'value="{value}"' in answer.text


async def test_the_newest_of_the_main_branch_is_the_baseline(api, stores):
    ids = []
    for branch in ("main", "main", "work", "work"):
        request = body(project="vision", labels={"branch": branch})
        ids.append((await api.post("/v1/analyses", json=request)).json()["id"])
        await finish(stores, ids[-1])

    page = await api.get("/projects/vision")

    assert set(re.findall(r"/compare\?pair=(\w+)&", page.text)) == {ids[1]}
    assert page.text.count("<strong>baseline</strong>") == 1


async def test_a_project_without_history_says_so(api):
    page = await api.get("/projects/nobodys")

    assert page.status_code == 200
    assert "Nothing here yet" in page.text
