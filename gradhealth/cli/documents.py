"""Reads the files that a command is given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradhealth.exceptions import GradHealthError, InvalidDocumentError, Problem
from gradhealth.strict_json import parse_object


class UnusableFileError(GradHealthError):
    """A file that cannot be read, or is not what it should be."""

    code = "unusable_file"


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read.

    Attributes:
        name: Its path as reports show it: relative to the working directory where it
            lies below, with forward slashes.
    """

    path: Path
    name: str
    content: bytes


def read_document(path: Path) -> Document:
    """Reads a file.

    Raises:
        UnusableFileError: It cannot be read.
    """
    try:
        return Document(path, name_of(path), path.read_bytes())
    except OSError as error:
        raise UnusableFileError(f"cannot read {path}: {error.strerror}") from error


def name_of(path: Path) -> str:
    """The path as reports show it."""
    here = Path.cwd()
    if path.is_absolute() and path.is_relative_to(here):
        path = path.relative_to(here)
    return path.as_posix()


def spec_of(document: Document) -> dict[str, Any]:
    """The JSON object in a document.

    Raises:
        UnusableFileError: It holds something else.
    """
    try:
        return parse_object(document.content)
    except InvalidDocumentError as error:
        raise not_a_spec(document.path, error.problems) from error


def not_a_spec(path: Path, problems: list[Problem]) -> UnusableFileError:
    """An error that lists what is wrong in a spec, a line each."""
    return UnusableFileError(_listed(f"{path} is not a usable spec:", problems))


def not_usable(path: Path, kind: str, problems: list[Problem]) -> UnusableFileError:
    """An error that lists what is wrong in a file of another kind."""
    return UnusableFileError(_listed(f"{path} is not a usable {kind}:", problems))


def _listed(title: str, problems: list[Problem]) -> str:
    lines = [f"  {each.pointer or 'the file'}: {each.message}" for each in problems]
    return "\n".join([title, *lines])
