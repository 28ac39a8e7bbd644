"""The report a person reads: one file without scripts that works offline and prints."""

import base64
import hashlib
from collections.abc import Sequence
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .base import Report, Subject
from .figures.chart import Chart
from .figures.of_result import figures_of, trial_figure
from .prose import number_in_words, title_of


class HtmlReport(Report):
    """Verdict, figures with their values as tables, findings, fixes, circumstances.

    The content security policy stands in the file itself, for it is opened without a
    server: nothing may be loaded or run, and only its own style sheet applies.
    """

    format: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The page; every text of the client is escaped."""
        environment = templates()
        style = environment.loader_source("report.css")
        return environment.get_template("report.html").render(
            subjects=subjects,
            style=Markup(style),  # noqa: S704 -- our own file
            style_hash=_sha256(style),
        )


class _Environment(Environment):
    """Jinja2 with the words and figures that the templates use."""

    def loader_source(self, name: str) -> str:
        """The text of a file beside the templates."""
        assert self.loader is not None
        return self.loader.get_source(self, name)[0]


def templates() -> _Environment:
    """The templates of this folder, escaping what they are given."""
    environment = _Environment(
        loader=PackageLoader("gradhealth.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"figures_of": figures_of, "trial_figure": trial_figure}
    environment.filters |= {
        "title_of": title_of,
        "number_in_words": number_in_words,
        "significant": _significant,
    }
    environment.tests["chart"] = lambda figure: isinstance(figure, Chart)
    return environment


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _significant(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
