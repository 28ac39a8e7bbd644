"""Reads spec files."""

from pathlib import Path
from typing import Any

from gradhealth.exceptions import GradHealthError, InvalidDocumentError, Problem
from gradhealth.strict_json import parse_object


class UnusableFileError(GradHealthError):
    """A file that cannot be read, or is no spec."""

    code = "unusable_file"


def read_spec(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UnusableFileError: It cannot be read, or holds something else.
    """
    try:
        return parse_object(path.read_bytes())
    except OSError as error:
        raise UnusableFileError(f"cannot read {path}: {error.strerror}") from error
    except InvalidDocumentError as error:
        raise not_a_spec(path, error.problems) from error


def not_a_spec(path: Path, problems: list[Problem]) -> UnusableFileError:
    """An error that lists what is wrong in a file, a line each."""
    lines = [f"  {each.pointer or 'the file'}: {each.message}" for each in problems]
    return UnusableFileError("\n".join([f"{path} is not a usable spec:", *lines]))
