import re
from html.parser import HTMLParser

from gradhealth.gate.comparison import compare
from gradhealth.reports.base import Subject, reports
from gradhealth.schemas.analysis import Result
from gradhealth.schemas.curve import Curve, LayerCurve
from tests.support.results import a_result

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>"


FREE_TEXT = {"summary", "text", "explanation", "title", "why", "snippet", "path"}


def made_hostile(value):
    if isinstance(value, list):
        return [HOSTILE if isinstance(v, str) else made_hostile(v) for v in value]
    if isinstance(value, dict):
        return {
            key: HOSTILE if key in FREE_TEXT and item else made_hostile(item)
            for key, item in value.items()
        }
    return value


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.policy, self.open = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]


def render(*subjects):
    return reports()["html"]().render(subjects)


def test_a_healthy_network_gives_a_short_page_without_figures():
    page = render(Subject("ok", Result(verdict="healthy", summary="Gradients flow.")))

    assert "Gradients flow." in page
    assert "<figure>" not in page


def test_nothing_is_loaded_or_run():
    page = Page(render(Subject("net", a_result())))

    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.policy.startswith("default-src 'none'; style-src 'sha256-")


def test_texts_of_a_client_are_escaped_everywhere():
    hostile = Result.model_validate(made_hostile(a_result().model_dump()))

    page = Page(render(Subject(HOSTILE, hostile), Subject("x", error=HOSTILE)))

    assert not {"script", "img"} & set(page.tags)


def test_values_that_are_not_finite_are_marked_not_lost():
    table = LayerCurve(
        steps=[0, 10],
        layers=["model.0", "model.2"],
        mean=[[1e-3, float("inf")], [None, 1e-9]],
    )
    loss = Curve(steps=[0, 1], mean=[2.3, float("inf")], spread=[0.1, None])
    result = a_result(layer_curves={"grad_norm": table}, curves={"loss": loss})

    page = render(Subject("net", result))

    assert "hatched: NaN or infinite" in page
    assert 'class="cross"' in page
    assert not re.search(r'="[^"]*\b(nan|inf)\b', page)


def test_every_figure_has_its_values_as_a_table():
    page = render(Subject("net", a_result()))

    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert figures
    for figure in figures:
        assert figure.count("<table>") == figure.count('role="img"') == 1
        assert figure.count("<desc ") == 1


def test_every_id_is_there_once_and_every_reference_leads_somewhere():
    page = render(Subject("a", a_result()), Subject("b", a_result()))

    ids = re.findall(r' id="([^"]+)"', page)
    references = re.findall(
        r'(?:aria-labelledby|aria-describedby|href)="#?([^"]+)"', page
    )
    assert len(ids) == len(set(ids))
    assert set(references) <= set(ids)


def test_several_networks_begin_with_a_table_of_all():
    page = render(Subject("first", a_result()), Subject("second", error="it broke"))

    overview, _, _ = page.partition("<article")
    assert "Gradient health of 2 networks" in overview
    assert "Gradients vanish." in overview
    assert "it broke" in overview


def test_what_changed_since_the_baseline_is_said():
    healthy = Result(verdict="healthy", summary="Gradients flow.")
    changes = compare(healthy, a_result())

    page = render(Subject("net", a_result(), comparison=changes))

    assert "Since the baseline" in page
    assert "Worse: vanishing_gradient" in page


def test_thresholds_stand_with_their_sources():
    page = render(Subject("net", a_result()))

    assert "SGD no longer learns below 1e-3" in page


def test_proved_fixes_stand_open_and_refuted_ones_folded():
    page = render(Subject("net", a_result()))

    proved, _, folded = page.partition("1 tried and refuted")
    assert "replace_activation_relu" in proved
    assert "clip_gradients" in folded
