"""docs/report.md explains every word and every figure of a report."""

import re
from typing import get_args

from gradhealth.schemas.analysis import LayerStatistics
from gradhealth.schemas.finding import SEVERITIES, CauseKind, Verdict
from tests.support.pipelines import ROOT
from tests.support.stories import DOCS

PAGE = (DOCS / "report.md").read_text()


def first_column(heading):
    """The first cells of the table below a row that begins so."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `?(.+?)`? \|", table.partition("\n")[2], re.MULTILINE)


def test_verdicts_severities_and_causes_are_those_of_the_schemas():
    assert {*first_column("verdict")} == {*get_args(Verdict)}
    assert {*first_column("severity")} == {*SEVERITIES}
    assert first_column("cause") == [*get_args(CauseKind)]


def test_every_number_of_a_layer_is_explained():
    measured = LayerStatistics.model_fields.keys() - {"path", "type", "depth"}

    assert {*first_column("number")} == measured


def test_every_figure_is_explained():
    figures = ROOT / "gradhealth/reports/figures"
    source = "".join(path.read_text() for path in figures.glob("*.py"))

    titles = re.findall(r'title="([^"{]+)"', source)
    assert {*first_column("figure")} == {*titles}
