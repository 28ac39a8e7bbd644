"""Hugging Face's Trainer: its state, the list of entries alone, or its console."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ..columns import Tables
from ..exceptions import IngestError
from ..files import LogFile
from ..lines import json_rows
from ..mapping import LogMapping
from ..sample import Sample
from .base import Certainty, TableFormat

# What every entry of the trainer has, and one of what it logs.
_HISTORY, _ALWAYS, _SWIFT_STEP = "log_history", "epoch", "global_step/max_steps"
_LOGGED = frozenset({"learning_rate", "eval_runtime", "train_runtime"})
# LLaMA-Factory writes the trainer's entries under names of its own.
_LLAMA_FACTORY = frozenset({"current_steps", "total_steps", "percentage"})
# The printed form of an entry: a Python dict on a line, maybe after a progress bar.
_PRINTED = re.compile(r"\{'[\w/ .\-]+': [^{}]*\}")
# A number may stand as text, or as numpy and torch print theirs: tensor(1.5, ...).
_PAIR = re.compile(r"'([^']*)': (?:'|(?:np\.float\d+|tensor)\()?([^',)}]*)")
# The last entry sums up the run: its train_loss is a mean over all of it.
_SUMMARY = "train_runtime"


class HuggingFace(TableFormat):
    """Entries with `loss`, `grad_norm`, `learning_rate`, `epoch` and `step`.

    The console has no steps: its entries are counted.
    """

    name: ClassVar[str] = "huggingface"
    title: ClassVar[str] = "Hugging Face trainer_state.json and console"
    hides: ClassVar[tuple[str, ...]] = (
        "single losses: each is a mean over the steps since the last entry",
        "losses that are NaN or infinite: its means leave them out, grad_norm does not",
        "gradient norms between entries, and those after clipping",
    )

    def recognise(self, sample: Sample) -> Certainty:
        document = sample.document
        if isinstance(document, dict) and _HISTORY in document:
            return Certainty.CERTAIN
        entries = document if isinstance(document, list) else sample.rows
        entries = entries or [e for line in sample.lines for e in _printed_in(line)]
        return _certainty(entries[0]) if entries else Certainty.NO

    def fill(self, file: LogFile, tables: Tables, mapping: LogMapping) -> None:  # noqa: ARG002
        table = tables.run(file.name)
        for place, entry in _entries(file):
            if _SUMMARY not in entry:
                table.add_row(entry | _counted(entry), place)


def _certainty(entry: Any) -> Certainty:
    if not isinstance(entry, dict) or _ALWAYS not in entry:
        return Certainty.NO
    # Others log these names too, W&B among them.
    is_own = _LOGGED & entry.keys() or entry.keys() >= _LLAMA_FACTORY
    return Certainty.LIKELY if is_own else Certainty.NO


def _entries(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    sample = Sample.of(file)
    if sample.rows:
        yield from json_rows(file)
    elif sample.document is not None:
        yield from _listed(file)
    else:
        for number, line in file.lines():
            for entry in _printed_in(line):
                yield f"line {number}", entry


def _listed(file: LogFile) -> Iterator[tuple[str, dict[str, Any]]]:
    document, place = file.json(), ""
    if isinstance(document, dict):
        document, place = document.get(_HISTORY), f"/{_HISTORY}"
    if not isinstance(document, list):
        raise IngestError("expected the list of log entries", place)
    for index, entry in enumerate(document):
        if not isinstance(entry, dict):
            raise IngestError("expected an object for each entry", f"{place}/{index}")
        yield f"{place}/{index}", entry


def _printed_in(line: str) -> Iterator[dict[str, Any]]:
    for printed in _PRINTED.findall(line):
        yield dict(_PAIR.findall(printed))


def _counted(entry: Mapping[str, Any]) -> dict[str, str]:
    """The step that ms-swift writes as a share, 5/100."""
    share = entry.get(_SWIFT_STEP)
    return {"step": share.partition("/")[0]} if isinstance(share, str) else {}
