"""Results as a notebook and a terminal show them: with the reports of this folder."""

from abc import ABC, abstractmethod
from html import escape

from .base import Subject
from .html import HtmlReport
from .text import TextReport


class Shown(ABC):
    """Adds to a class how it is displayed; its own fields know nothing of that."""

    __slots__ = ()

    @property
    @abstractmethod
    def subject(self) -> Subject:
        """What the reports are about."""

    def to_html(self) -> str:
        """One page without scripts, to be written to a file."""
        return HtmlReport().render([self.subject])

    def __str__(self) -> str:
        return TextReport().render([self.subject])

    def _repr_html_(self) -> str:
        # A frame of its own, since the page has its own style sheet.
        return (
            f'<iframe srcdoc="{escape(self.to_html())}" title="Gradient health" '
            'style="width: 100%; height: 60em; border: 0" sandbox></iframe>'
        )
