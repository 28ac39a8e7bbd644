from gradhealth.reports.base import Subject
from gradhealth.reports.text import TextReport
from gradhealth.schemas.analysis import Result
from tests.support.results import a_result


def render(*subjects):
    return TextReport().render(subjects)


def test_it_shows_verdict_cause_evidence_and_proof():
    text = render(Subject("net.json", a_result()))

    assert text.startswith("net.json: critical - vanishing_gradient\n")
    assert "cause (activation): sigmoid" in text
    assert "backward_gain = 1e-12" in text
    assert "verified: replace_activation_relu" in text
    assert "progress 0.01 → 0.97" in text
    assert "at 0.3 x the learning rate" in text
    assert "no signal: clip_gradients (log10_j = -inf)" in text
    assert "Advice\n    advice - Advice" in text
    assert "┤" in text


def test_a_healthy_network_needs_few_words():
    healthy = Result(verdict="healthy", summary="Gradients flow.")

    text = render(Subject("net.json", healthy))

    assert "net.json: healthy" in text
    assert "Findings" not in text
    assert "Fixes" not in text


def test_without_a_result_it_says_why_line_by_line():
    text = render(Subject("net.json", error="is no spec:\n  /model: missing"))

    assert text.splitlines() == [
        "net.json: no result",
        "  is no spec:",
        "    /model: missing",
    ]


def test_several_stand_below_each_other():
    text = render(Subject("a", error="x"), Subject("b", error="y"))

    assert text == "a: no result\n  x\n\nb: no result\n  y"


def test_nothing_in_it_steers_a_terminal():
    healthy = Result(verdict="healthy", summary="\x1b[2Jgone\x07 \u202eback")

    text = render(Subject("\x9b31mnet.json", healthy))

    assert text == "\\x9b31mnet.json: healthy\n  \\x1b[2Jgone\\x07 \\u202eback"
