"""What a person does, in a real browser."""

import json
import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.browsers import visit
from tests.support.live_runs import LAYERS, a_batch
from tests.support.watched_analysis import give_leave

LOG = b"\n".join(
    json.dumps({"step": n, "loss": 2.0 * 0.9**n, "grad_norm": 1.0}).encode()
    for n in range(40)
)
WRONG = """{
  "name": "wrong",
  "data": {"task": "clusters"},
  "model": [
    {"type": "Linear", "out_feature": 4}
  ]
}"""


def test_submit_watch_and_read(seen, site):
    seen.go("/")
    seen.get_by_role("link", name="New analysis").click()
    seen.get_by_label("Architecture").fill(
        '{"name": "watched", "data": {"task": "clusters"},'
        ' "model": [{"type": "Linear", "out_features": 4}]}'
    )
    seen.get_by_role("button", name="Analyse").click()

    expect(seen.locator(".phases [aria-current]")).to_have_text("Trying fixes")
    expect(seen.locator(".findings li").first).to_contain_text("vanishing gradient")
    expect(seen.locator(".trials li").first).to_contain_text("proved")
    expect(seen.locator("output")).to_have_text("1 of 2")
    expect(seen.locator("header .mark")).to_have_text("Running")
    give_leave(site.folder, "watched")
    expect(seen.get_by_role("heading", name="How this was measured")).to_be_visible()
    expect(seen.locator("header .mark").first).to_have_text("Critical")


def test_theory_alone_answers_at_once_with_a_figure(seen):
    seen.go("/new?example=transformer")
    seen.get_by_label("Theory alone").check()
    seen.get_by_role("button", name="Analyse").click()

    expect(seen.get_by_role("heading", level=1)).to_have_text(
        "small transformer, norm first"
    )


def test_a_mistake_is_shown_at_its_line_and_nothing_is_lost(browser, site):
    with visit(browser, site.url) as page:
        page.go("/new")
        page.get_by_label("Architecture").fill(WRONG)
        page.get_by_label("Labels").fill("branch:main")
        page.get_by_role("button", name="Analyse").click()

        expect(page.get_by_role("alert")).to_contain_text(
            "did you mean 'out_features'?"
        )
        expect(page.locator(".excerpt .wrong")).to_have_text(
            re.compile("5.*out_feature")
        )
        expect(page.locator(".gutter .wrong")).to_have_text(re.compile("5"))
        expect(page.get_by_label("Architecture")).to_have_value(WRONG)
        expect(page.get_by_label("Labels")).to_have_value("branch:main")
        selected = page.evaluate(
            "(t => t.value.slice(t.selectionStart, t.selectionEnd))"
            "(document.getElementById('spec'))"
        )
        assert "out_feature" in selected
        assert page.violations() == []
        refused(page)


def test_text_that_is_no_json_is_shown_where_it_breaks(browser, site):
    with visit(browser, site.url) as page:
        page.go("/new")
        page.get_by_label("Architecture").fill('{"name": "x",\n"model": [}')
        page.get_by_role("button", name="Analyse").click()

        expect(page.locator(".excerpt .wrong")).to_have_text(re.compile("2.*model"))
        refused(page)


def refused(page):
    # The browser reports the answer's status, which is right.
    assert all("422" in complaint for complaint in page.complaints)
    page.complaints.clear()


def test_a_fixed_spec_opens_in_the_editor(seen, site):
    seen.go(f"/analyses/{site.ids['vanishing']}")
    seen.get_by_role("link", name="Open the spec with this fix").first.click()

    expect(seen.get_by_label("Architecture")).to_have_value(
        re.compile("small ResNet with batch norm")
    )


def test_two_are_compared_side_by_side(seen, site):
    seen.go("/?project=default")
    seen.get_by_role("checkbox", name="20-layer sigmoid MLP").first.check()
    seen.get_by_role("checkbox", name="small ResNet").first.check()
    seen.get_by_role("button", name="Compare").click()

    expect(seen.get_by_text("Worse: vanishing gradient")).to_be_visible()
    figures = seen.get_by_role("img", name="Backward gain by depth")
    left, right = figures.nth(0).bounding_box(), figures.nth(1).bounding_box()
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]


def test_a_log_is_dropped_and_judged(seen):
    seen.go("/new")
    seen.get_by_role("link", name="log").click()
    seen.get_by_label("Log file").set_input_files(
        {"name": "run.jsonl", "mimeType": "application/json", "buffer": LOG}
    )
    seen.get_by_label("Labels").fill("owner:somebody")
    seen.get_by_role("button", name="Judge it").click()

    expect(seen.get_by_role("heading", level=1)).to_have_text("run.jsonl")
    expect(seen.get_by_role("img", name="Loss", exact=True)).to_be_visible()
    expect(seen.get_by_text("owner: somebody")).to_be_visible()
    expect(seen.get_by_role("link", name="Edit and run again")).to_have_count(0)


def test_a_large_log_is_read_by_a_worker_and_its_runs_lead_to_each_other(seen):
    rows = [f"{n},1,{100 - n / 10},{run}" for run in "ab" for n in range(500)]
    log = "\n".join(["_step,_runtime,train/loss,run_id", *rows]).encode()
    seen.go("/new/log")
    seen.get_by_label("Log file").set_input_files(
        {"name": "history.csv", "mimeType": "text/csv", "buffer": log}
    )
    seen.get_by_role("button", name="Judge it").click()

    expect(seen.get_by_role("heading", level=1)).to_have_text("history.csv: a")
    seen.get_by_role("link", name="b", exact=True).click()
    expect(seen.get_by_role("heading", level=1)).to_have_text("history.csv: b")


def test_a_file_that_is_no_log_is_told_why(browser, site):
    with visit(browser, site.url) as page:
        page.go("/new/log")
        page.get_by_label("Log file").set_input_files(
            {"name": "x.bin", "mimeType": "", "buffer": b"no log at all"}
        )
        page.get_by_label("Names").fill("step:iteration")
        page.get_by_role("button", name="Judge it").click()

        expect(page.get_by_role("alert")).to_contain_text("format")
        expect(page.get_by_label("Names")).to_have_value("step:iteration")
        refused(page)


def test_a_run_is_watched_while_it_grows(seen, site):
    run = httpx.post(f"{site.url}/v1/runs", json={"name": "grows", "layers": LAYERS})
    batches = site.url + run.json()["links"]["batches"]
    send(batches, 0)
    seen.go("/runs")
    seen.get_by_role("link", name="grows").click()
    norms = seen.get_by_role("figure", name="Gradient norm by layer and step")
    norms.get_by_text("Values").click()
    expect(norms.get_by_role("columnheader").last).to_have_text("19")

    send(batches, 1)

    expect(norms.get_by_role("columnheader").last).to_have_text("39")
    expect(seen.get_by_text("40 steps were sent")).to_be_visible()
    seen.get_by_text("Delete", exact=True).click()
    seen.get_by_role("button", name="Delete for good").click()
    expect(seen.get_by_role("heading", name="Runs")).to_be_visible()
    expect(seen.get_by_role("link", name="grows")).to_have_count(0)


def send(batches, sequence):
    batch = a_batch([2.3] * 20, sequence=sequence, first_step=20 * sequence)
    httpx.post(batches, content=batch.to_json()).raise_for_status()


def test_one_is_no_pair(browser, site):
    with visit(browser, site.url) as page:
        page.go("/")
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Compare").click()

        expect(page.get_by_text("choose two analyses")).to_be_visible()
        refused(page)


def test_filters_and_history(seen, site):
    seen.go("/")
    seen.get_by_label("Label").fill("branch:main")
    seen.get_by_role("button", name="Filter").click()
    expect(seen.locator("tbody tr")).to_have_count(3)
    seen.get_by_role("link", name="vision").first.click()

    expect(seen.get_by_role("img", name="Backward gain")).to_be_visible()
    expect(seen.get_by_text("baseline", exact=True)).to_be_visible()


def test_a_report_is_read_with_the_keyboard_alone(seen, site):
    seen.go(f"/analyses/{site.ids['vanishing']}")
    summary = seen.locator("figure summary").first
    table = seen.locator("figure table").first
    expect(table).to_be_hidden()
    for _ in range(40):
        seen.keyboard.press("Tab")
        if summary.evaluate("element => element === document.activeElement"):
            break
    seen.keyboard.press("Enter")

    expect(table).to_be_visible()
    outline = summary.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"


def test_a_running_analysis_is_cancelled_and_deleted(seen):
    seen.go("/new")
    seen.get_by_label("Architecture").fill(
        '{"name": "endless", "data": {"task": "clusters"},'
        ' "model": [{"type": "Linear", "out_features": 4}]}'
    )
    seen.get_by_role("button", name="Analyse").click()
    seen.get_by_role("button", name="Cancel").click()
    expect(seen.get_by_text("the analysis was cancelled")).to_be_visible()
    address = seen.url
    seen.get_by_text("Delete", exact=True).click()
    seen.get_by_role("button", name="Delete for good").click()

    expect(seen.get_by_role("heading", name="Analyses")).to_be_visible()
    assert address.rpartition("/")[2] not in seen.content()


def test_without_scripts_everything_is_there_but_the_line_numbers(browser, site):
    with visit(browser, site.url, java_script_enabled=False) as page:
        page.go("/new?example=vanishing")
        page.get_by_label("Theory alone").check()
        page.get_by_role("button", name="Analyse").click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("sigmoid")


def test_the_documentation_lists_every_operation_and_tries_them(seen, site):
    seen.go("/docs")

    expect(seen.locator(".opblock").first).to_be_visible()
    document = seen.request.get(site.url + "/openapi.json").json()
    operations = sum(len(path) for path in document["paths"].values())
    assert seen.locator(".opblock").count() == operations

    seen.get_by_role("button", name="Which version this is").click()
    seen.get_by_role("button", name="Try it out").click()
    seen.get_by_role("button", name="Execute").click()
    expect(
        seen.locator(".live-responses-table tbody .response-col_status")
    ).to_have_text(re.compile("200"))


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
def test_every_page_is_accessible_and_fits(browser, site, size, scheme):
    ids = site.ids
    pages = [
        "/",
        "/new",
        "/new/log",
        "/runs",
        f"/runs/{site.run}",
        f"/analyses/{ids['vanishing']}",
        f"/compare?pair={ids['vanishing']}&pair={ids['healthy']}",
        "/projects/vision",
        "/projects/nobodys",
        "/sign-in",
    ]
    with visit(browser, site.url, size=size, scheme=scheme) as page:
        for path in pages:
            page.go(path)
            page.unfold(".menu")

            # Figures and what is folded in reports: see `test_report.py`.
            assert page.violations(but_in=["figure"]) == [], path
            assert page.overflow <= 0, path
