"""The pages of detectors and fixes say what the code does."""

import dataclasses
import re
from pathlib import Path

import pytest

from gradhealth.detectors.base import Detector
from gradhealth.logs.detectors.base import LogDetector
from gradhealth.prescription import remedies
from gradhealth.registry import subclasses_in

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"detectors.md": Detector, "log-detectors.md": LogDetector}
DETECTORS = [
    pytest.param(page, kind, id=f"{page}-{kind.problem}")
    for page, base in PAGES.items()
    for kind in subclasses_in(base.__module__.rpartition(".")[0], base)
]


def sections(page):
    """The text of each section by its name in backquotes, in the page's order."""
    parts = re.split(r"^## `(.+)`$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def names(section, label):
    """The names behind a label of a section's list."""
    entry = re.search(rf"^- {label}: ((?:.|\n  )*)", section, flags=re.MULTILINE)
    return set(re.findall(r"`(\w+)`", entry.group(1))) if entry else set()


@pytest.mark.parametrize("page", PAGES)
def test_every_detector_has_a_section_in_the_order_they_stand(page):
    kinds = [entry.values[1] for entry in DETECTORS if entry.values[0] == page]

    by_precedence = sorted(kinds, key=lambda kind: (kind.precedence, kind.problem))
    assert list(sections(page)) == [kind.problem for kind in by_precedence]


@pytest.mark.parametrize(("page", "kind"), DETECTORS)
def test_thresholds_are_given_with_unit_reason_and_source(page, kind):
    section = sections(page)[kind.problem]

    rows = set(re.findall(r"^\| `.*$", section, flags=re.MULTILINE))
    fields = [(field.name, field.default) for field in dataclasses.fields(kind)]
    assert rows == {
        f"| `{name}` | {t.value:g} | {t.unit} | {t.source} |" for name, t in fields
    }


def test_every_fix_has_a_section():
    assert set(sections("fixes.md")) == {remedy.name for remedy in remedies()}


@pytest.mark.parametrize("remedy", remedies(), ids=lambda remedy: remedy.name)
def test_a_fix_says_what_it_treats_and_what_not(remedy):
    section = sections("fixes.md")[remedy.name]

    assert names(section, "Treats") == remedy.treats
    assert names(section, "Removes the cause") == remedy.causes
    assert names(section, "Tried in vain for") == remedy.misused_for
