"""Reads the files that a command is given."""

import codecs
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from gradhealth.documents.strict_json import parse_object
from gradhealth.exceptions import GradHealthError, InvalidDocumentError, Problem

# As much as a service takes in one body.
MAX_SPEC_BYTES = 16 * 2**20


class UnusableFileError(GradHealthError):
    """A file that cannot be read or written, or is not what it should be."""

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
        raise _unreadable(path, error) from error


def size_of(path: Path) -> int:
    """How long a file is, in bytes.

    Raises:
        UnusableFileError: It is not there.
    """
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def doubts_about_spec(content: bytes) -> str:
    """Why a file is no spec but something else; empty for a spec, mistakes or not.

    A spec says so itself, by its version or by a list of layers.
    """
    try:
        document = from_json(content.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        return f"not valid JSON ({error})"
    if not isinstance(document, dict):
        return "expected a JSON object: { ... }"
    if "spec_version" in document or isinstance(document.get("model"), list):
        return ""
    return 'it has neither "spec_version" nor a list of layers as "model"'


def name_of(path: Path) -> str:
    """The path as reports show it."""
    here = Path.cwd()
    if path.is_absolute() and path.is_relative_to(here):
        path = path.relative_to(here)
    # A name need not be UTF-8; a report must.
    return os.fsencode(path.as_posix()).decode(errors="replace")


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


def _unreadable(path: Path, error: OSError) -> UnusableFileError:
    return UnusableFileError(f"cannot read {path}: {error.strerror}")


def _listed(title: str, problems: list[Problem]) -> str:
    lines = [f"  {each.pointer or 'the file'}: {each.message}" for each in problems]
    return "\n".join([title, *lines])
