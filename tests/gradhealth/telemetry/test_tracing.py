"""Without an exporter; what is exported is seen in tests/e2e."""

import subprocess
import sys

from gradhealth.telemetry.tracing import current_traceparent, is_wanted, span

WITHOUT_THE_EXTRA = """
import sys
sys.modules["gradhealth.telemetry.otlp"] = None
from gradhealth.telemetry.tracing import set_up_tracing, span
set_up_tracing("a-program")
with span("goes on"):
    print("served")
"""


def test_nothing_is_recorded():
    with span("analyse", parent="not one of W3C's", id="a1"):
        assert current_traceparent() is None


def test_a_span_that_is_continued_is_passed_on():
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with span("analyse", parent=traceparent):
        assert current_traceparent() == traceparent
    assert current_traceparent() is None


def test_it_is_wanted_where_an_endpoint_is_named(monkeypatch):
    before = is_wanted()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318")

    assert (before, is_wanted()) == (False, True)


def test_a_missing_extra_is_told_and_stops_nothing(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "served\n"
    assert "no traces: pip install 'gradhealth[otel]'" in done.stderr
