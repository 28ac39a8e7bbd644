"""The page of formats says what the code does, and its examples are read."""

import re
import shlex

import pytest

from gradhealth.ingest import parse_mapping, read_log
from gradhealth.ingest.formats.base import TableFormat, log_formats
from tests.support.stories import DOCS

PAGE = (DOCS / "formats.md").read_text()
FORMATS = log_formats()
BINARY = {"mlflow_database", "tensorboard", "wandb_offline"}


def sections():
    parts = re.split(r"^## `(.+)`$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(section, label):
    """What stands behind a label of a section's list, in one line each."""
    found = re.findall(rf"^- {label}: ((?:.|\n  )*)", section, flags=re.MULTILINE)
    return [" ".join(entry.split()) for entry in found]


def test_every_format_has_a_section():
    assert list(sections()) == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_section_says_what_the_format_is_and_hides(name):
    section, log_format = sections()[name], FORMATS[name]

    assert section.strip().startswith(f"{log_format.title}.\n")
    assert entries(section, "Hides") == [f"{what}." for what in log_format.hides]
    assert len(entries(section, "From")) == len(entries(section, "Read")) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_a_section_says_whether_the_order_of_layers_is_known(name):
    (order,) = entries(sections()[name], "Layers")

    log_format = FORMATS[name]
    keeps_order = not isinstance(log_format, TableFormat) or log_format.keeps_order
    assert order.startswith("by the numbers in their names only") != keeps_order


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in BINARY])
def test_the_example_is_read_as_its_command_says(name):
    section = sections()[name]
    ((title, example),) = re.findall(
        r'^```\w+ title="(.+)"\n((?:.|\n)*?)```', section, flags=re.MULTILINE
    )
    (command,) = re.findall(r"^\$ gradhealth analyze (.+)$", section, re.MULTILINE)
    file, *options = shlex.split(command)
    mapping = parse_mapping(options[1] if options else "")

    (trace,) = read_log(example.encode(), filename=title, mapping=mapping)

    assert file == title
    assert options[:1] in ([], ["--map"])
    assert "loss" in trace.series
    if name != "trace":
        assert trace.context.source_format == name
