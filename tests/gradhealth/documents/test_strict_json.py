import pytest

from gradhealth.documents.strict_json import MalformedJsonError, parse_object
from gradhealth.exceptions import InvalidDocumentError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{}", {}),
        (b'{"a": [1, 2.5, null, true, "\xc3\xa9"]}', {"a": [1, 2.5, None, True, "é"]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1e300, "b": 1E+100}', {"a": 1e300, "b": 1e100}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"key": "1e999"}', {"key": "1e999"}),
    ],
)
def test_objects_are_read(text, value):
    assert parse_object(text) == value


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (b"", "got nothing"),
        (b" \n", "got nothing"),
        (b'{"a": 1', "complete"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": NaN}', "finite"),
        (b'{"a": -Infinity}', "finite"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_what_is_not_json_is_refused_with_advice(text, advice):
    with pytest.raises(MalformedJsonError, match=advice):
        parse_object(text)


@pytest.mark.parametrize("text", [b"[]", b"1", b'"x"', b"null"])
def test_another_kind_of_value_is_refused(text):
    with pytest.raises(InvalidDocumentError, match="expected a JSON object"):
        parse_object(text)


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        (b'{"a": [1, 1e999]}', ["/a/1"]),
        (b'{"a": -1e+400}', ["/a"]),
        (b'{"a": ' + b"9" * 400 + b".0}", ["/a"]),
        (b'{"a/b": {"c~": "\\u0000"}}', ["/a~1b/c~0"]),
        (b'{"a\\u0000": 1}', ["/a\0"]),
    ],
)
def test_what_cannot_be_stored_is_pointed_at(text, pointers):
    with pytest.raises(InvalidDocumentError) as caught:
        parse_object(text)

    assert [problem.pointer for problem in caught.value.problems] == pointers


def test_only_the_first_twenty_are_listed():
    text = b'{"a": [' + b", ".join([b"1e999"] * 100) + b"]}"

    with pytest.raises(InvalidDocumentError) as caught:
        parse_object(text)

    assert len(caught.value.problems) == 20


def test_a_bound_on_the_number_of_values_is_held_before_parsing():
    text = b'{"a": [' + b", ".join([b"{}"] * 100) + b"]}"

    assert parse_object(text, max_values=100)
    with pytest.raises(InvalidDocumentError, match="more than 99 values"):
        parse_object(text, max_values=99)
