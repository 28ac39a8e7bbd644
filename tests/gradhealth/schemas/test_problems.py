"""Pydantic's errors, turned into places of the document."""

import pytest
from pydantic import ValidationError

from gradhealth.documents.pointers import pointer_to
from gradhealth.schemas.problems import problems_of
from gradhealth.schemas.spec import Spec


def test_pointers_escape_what_json_pointers_must():
    assert pointer_to("a/b", "c~d", 3) == "/a~1b/c~0d/3"
    assert pointer_to() == ""


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"model": [{"type": "Dropout", "p": 2}]}, ["/model/0/p"]),
        ({"model": [{"type": "Dropout", "a/b": 2}]}, ["/model/0/a~1b"]),
        ({"model": [{"repeat": 2, "body": [{}]}]}, ["/model/0/body/0"]),
        ({"model": [], "probe": {"samples": 0}}, ["/model", "/probe/samples"]),
        ({"model": [{"type": 3}]}, ["/model/0"]),
        ({"model": [{"type": "Residual", "body": 3}]}, ["/model/0/body"]),
    ],
)
def test_tags_of_unions_are_no_part_of_a_pointer(document, pointers):
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate(document)

    problems = problems_of(caught.value, document, "/spec")

    assert [problem.pointer for problem in problems] == [
        f"/spec{pointer}" for pointer in pointers
    ]


def test_messages_begin_small_and_end_plainly():
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate({"model": [{"type": "Linear", "out_features": "4"}]})

    (problem,) = problems_of(caught.value, {"model": [{"out_features": "4"}]})

    assert problem.message == "input should be a valid integer"
