"""The report as a file: opened without a server, printed, read aloud."""

import pytest

from gradhealth.reports.base import Subject, reports
from tests.support.browsers import visit
from tests.support.pictured import pictured
from tests.support.results import a_result


@pytest.fixture
def report(tmp_path):
    file = tmp_path / "report.html"
    subjects = [
        Subject("vanishing", pictured()),
        Subject("not finite", a_result()),
        Subject("broken", error="the worker died"),
    ]
    file.write_text(reports()["html"]().render(subjects))
    return file.as_uri()


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
def test_a_file_needs_nothing_but_itself(browser, report, size, scheme):
    with visit(browser, report, size=size, scheme=scheme) as page:
        page.go("")
        # Of the tables that are all alike, one.
        page.unfold(
            "details:not(.values, .method *), #s1 .method details,"
            " #s1 figure:first-child .values"
        )

        assert page.violations() == []
        assert page.overflow <= 0
        assert page.locator("svg.figure").count() > 8


def test_its_policy_stops_what_somebody_adds(browser, report):
    with visit(browser, report) as page:
        page.go("")
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('img'),"
            " {src: 'https://example.org/x.png'}))"
        )
        page.wait_for_timeout(100)

        assert "Content Security Policy" in page.complaints[0]
        page.complaints.clear()


def test_print_is_dark_on_white_even_where_screens_are_dark(browser, report):
    with visit(browser, report, scheme="dark") as page:
        page.go("")
        page.emulate_media(media="print", color_scheme="dark")
        colours = page.evaluate(
            "(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))"
        )

        assert colours == ["rgb(255, 255, 255)", "rgb(27, 28, 32)"]
