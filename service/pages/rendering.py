"""Pages from templates, and the headers that let nothing foreign into them."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment

from gradhealth import __version__
from gradhealth.reports.templating import environment, style_sheet

# Scripts and styles are files of our own; nothing is inline, and nobody frames a page.
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    # With less, forms would not say where they come from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # What a key shows stays in no shared cache, and a page is always the newest.
    "Cache-Control": "private, no-cache",
}


class Pages:
    """Renders pages for whoever asks.

    Args:
        is_signed_in: Whether there is a sign-in to end.
    """

    def __init__(self, *, is_signed_in: bool = False) -> None:
        self._is_signed_in = is_signed_in

    def page(self, name: str, *, status: int = 200, **words: Any) -> HTMLResponse:
        """A page.

        Args:
            name: The template's, without `.html`.
            status: Of the answer.
            words: What the template shows; all of it is escaped.
        """
        template = _environment().get_template(f"{name}.html")
        text = template.render(is_signed_in=self._is_signed_in, **words)
        return HTMLResponse(text, status, HEADERS)


@cache
def style() -> str:
    """The style sheet of all pages, reports included."""
    own = files("service").joinpath("static", "pages.css")
    return f"{style_sheet()}\n{own.read_text(encoding='utf-8')}"


@cache
def style_address() -> str:
    """Where the style sheet is; another one has another address."""
    digest = hashlib.sha256(style().encode()).hexdigest()
    return f"/style.css?{digest[:12]}"


@cache
def _environment() -> Environment:
    made = environment("service")
    made.globals |= {"style_address": style_address(), "version": __version__}
    made.filters |= {"moment": _moment}
    return made


def _moment(time: datetime) -> str:
    """A time as people write it; the year only where it is another."""
    year = "" if time.year == datetime.now(UTC).year else f" {time.year}"
    return f"{time.day} {time:%b}{year}, {time:%H:%M}"
