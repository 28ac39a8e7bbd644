"""The templates of the reports, also for whoever shows a report in a page."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ..thresholds import known_thresholds
from .facts import facts_of
from .figures.by_step import trial_figure
from .figures.chart import Chart
from .figures.of_result import figures_of
from .numbers import gain, in_plain_text, significant, typeset
from .prose import change_in_words, title_of

PACKAGE = "gradhealth.reports"


def environment(*packages: str) -> Environment:
    """Templates that escape what they are given.

    Args:
        packages: Whose templates are found beside those of the reports.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in (*packages, PACKAGE)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "facts_of": facts_of,
        "figures_of": figures_of,
        "known_thresholds": known_thresholds,
        "trial_figure": trial_figure,
    }
    made.filters |= {
        "change_in_words": change_in_words,
        "gain": gain,
        "in_plain_text": in_plain_text,
        "significant": significant,
        "title_of": title_of,
        "typeset": typeset,
    }
    made.tests["chart"] = lambda figure: isinstance(figure, Chart)
    return made


def style_sheet() -> str:
    """The style sheet of a report."""
    loader = PackageLoader(PACKAGE)
    names = ("base.css", "report.css", "figures.css")
    return "\n".join(loader.get_source(environment(), name)[0] for name in names)
