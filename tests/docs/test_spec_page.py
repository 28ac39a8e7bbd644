"""docs/spec.md has every layer, task, optimizer and init function with its defaults."""

import json
import re
from typing import get_args

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.layers.base import Layer
from gradhealth.schemas.data import Data
from gradhealth.schemas.entry import LAYERS
from gradhealth.schemas.training import INIT_FUNCTIONS, Loss, Optimizer, Probe, Training
from tests.support.stories import DOCS, blocks

PAGE = (DOCS / "spec.md").read_text()
SPECS = [block for block in blocks("spec.md") if block.language == "json"]


def members(union):
    """The classes of a discriminated union."""
    return get_args(get_args(union)[0])


def keys(model, *, without):
    """The keys of a model as the page lists them."""
    listed = []
    for name, field in model.model_fields.items():
        if name in without:
            continue
        shown = f"`{field.alias or name}`"
        if field.is_required():
            shown = f"**{shown}**"
        elif field.default is not None:
            default = field.get_default(call_default_factory=True)
            shown += f" {json.dumps(default).replace('|', chr(92) + '|')}"
        listed.append(shown)
    return ", ".join(listed)


def sentence(model):
    return model.__doc__.split("\n\n")[0].replace("\n    ", " ").replace("|", r"\|")


def rows(heading):
    """The rows of all tables below a row that begins so."""
    tables = [part.partition("\n\n")[0] for part in PAGE.split(f"| {heading} |")[1:]]
    return re.findall(r"^\| `.*", "\n".join(tables), re.MULTILINE)


def names(layer):
    """Its name and its aliases."""
    return get_args(layer.model_fields["type"].annotation)


def test_every_layer_is_in_the_table():
    layers = {LAYERS[name]: name for name in reversed(LAYERS)}
    told = rows("layer")

    wanted = {
        f"| {' or '.join(f'`{name}`' for name in names(layer))} "
        f"| {keys(layer, without=('type',))} | {sentence(layer)} |"
        for layer in layers
    }
    assert all(issubclass(layer, Layer) for layer in layers)
    assert {*told} == wanted
    assert len(told) == len(wanted)


def test_every_task_is_in_the_table():
    shared = ("task", "standardize", "standardize_target")
    wanted = {
        f"| `{get_args(task.model_fields['task'].annotation)[0]}` "
        f"| {keys(task, without=shared)} | {sentence(task)} |"
        for task in members(Data)
    }

    assert {*rows("task")} == wanted


def test_every_optimizer_is_in_the_table():
    wanted = {
        f"| `{kind.model_fields['type'].default}` "
        f"| {keys(kind, without=('type', 'maximize'))} |"
        for kind in members(Optimizer)
    }

    assert {*rows("optimizer")} == wanted


def test_every_loss_is_in_the_table():
    told = re.findall(r"^\| `(\w+)`", "\n".join(rows("loss")), re.MULTILINE)

    assert {"auto", *told} == {*get_args(Loss)}


def test_every_init_function_is_in_the_table():
    told = re.findall(r"^\| `(\w+_)` \| (.*?) \|", PAGE, re.MULTILINE)

    assert {name: {*re.findall(r"`(\w+)`", given)} for name, given in told} == {
        name: {*arguments} for name, arguments in INIT_FUNCTIONS.items()
    }


@pytest.mark.parametrize("model", [Training, Probe], ids=lambda model: model.__name__)
def test_every_key_is_explained(model):
    for name in model.model_fields:
        assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("block", SPECS, ids=lambda block: block.place)
def test_every_example_is_a_spec(block):
    assert resolve(json.loads(block.text))
