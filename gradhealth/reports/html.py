"""The report a person reads: one file without scripts that works offline and prints."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from jinja2 import Template
from markupsafe import Markup

from .base import Report, Subject
from .templating import environment, style_sheet


class HtmlReport(Report):
    """Verdict, figures with their values as tables, findings, fixes, circumstances.

    The content security policy stands in the file itself, for it is opened without a
    server: nothing may be loaded or run, and only its own style sheet applies.
    """

    format: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html"

    def render(self, subjects: Sequence[Subject]) -> str:
        """The page; every text of the client is escaped."""
        style = style_sheet()
        return _template().render(
            subjects=subjects,
            style=Markup(style),  # noqa: S704 -- our own file
            style_hash=_sha256(style),
        )


@cache
def _template() -> Template:
    return environment().get_template("report.html")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
