"""Hints for words that are not known."""

import pytest
from pydantic import ValidationError

from gradhealth.documents.base import Document, Record, nearest, quoted


class Spoon(Document):
    size: int = 1


def test_a_near_word_is_suggested():
    assert nearest("leraning", ["learning", "batch"]) == "; did you mean 'learning'?"


def test_a_word_in_another_case_is_the_nearest():
    assert nearest("relu", ["Parallel", "ReLU"]) == "; did you mean 'ReLU'?"


def test_known_words_are_listed_when_none_is_near():
    assert nearest("xyz", ["b", "a"]) == "; known here: a, b"
    assert nearest("xyz", []) == "; known here: nothing"


def test_long_lists_and_words_are_cut():
    hint = nearest("?", [f"w{index:04}" for index in range(5_000)])

    assert hint.endswith("w0099, ...")
    assert len(quoted("x" * 10**6)) < 200


def test_documents_refuse_what_they_do_not_know():
    with pytest.raises(
        ValidationError, match="unknown key 'siez'; did you mean 'size'"
    ):
        Spoon.model_validate({"siez": 2})


@pytest.mark.parametrize("value", ["1", 1.0, True, None])
def test_documents_do_not_guess_types(value):
    with pytest.raises(ValidationError):
        Spoon.model_validate({"size": value})


def test_records_write_what_is_not_finite_as_text():
    class Reading(Record):
        value: float

    assert Reading(value=float("inf")).model_dump_json() == '{"value":"Infinity"}'
