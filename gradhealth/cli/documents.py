"""Reads the files that a command is given."""

import codecs
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from gradhealth.documents.strict_json import parse_object
from gradhealth.exceptions import GradHealthError, InvalidDocumentError, Problem
from gradhealth.reports.locations import lines_at

# As much as a service takes in one body.
MAX_SPEC_BYTES = 16 * 2**20
_SPEC = re.compile(rb'"spec_version"\s*:|"model"\s*:\s*\[')
_LINE = re.compile(r"at line (\d+) column")


class UnusableFileError(GradHealthError):
    """A file that cannot be read or written, or is not what it should be.

    Attributes:
        line: The first line, from 1, where something is wrong.
    """

    code = "unusable_file"

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


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
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        document = from_json(content)
    except ValueError as error:
        return "" if _is_broken_spec(content) else f"not valid JSON ({error})"
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
        raise not_a_spec(document, error.problems) from error


def not_a_spec(document: Document, problems: list[Problem]) -> UnusableFileError:
    """An error that lists what is wrong in a spec, and in which line."""
    lines = _lines_of(problems, document.content)
    told = [
        f"  line {line}: {': '.join(filter(None, (each.pointer, each.message)))}"
        for line, each in zip(lines, problems, strict=True)
    ]
    title = f"{document.path} is not a usable spec:"
    return UnusableFileError("\n".join([title, *told]), min(lines))


def not_usable(path: Path, kind: str, problems: list[Problem]) -> UnusableFileError:
    """An error that lists what is wrong in a file of another kind."""
    return UnusableFileError(_listed(f"{path} is not a usable {kind}:", problems))


def _unreadable(path: Path, error: OSError) -> UnusableFileError:
    if path.is_dir():
        return UnusableFileError(
            f"{path} is a folder: name a file in it, or pack it as zip or tar and name "
            "that, whose runs are all read"
        )
    return UnusableFileError(f"cannot read {path}: {error.strerror}")


def _lines_of(problems: Sequence[Problem], content: bytes) -> list[int]:
    if any(problem.pointer for problem in problems):
        text = content.decode("utf-8-sig", errors="replace")
        return lines_at([problem.pointer for problem in problems], text)
    # Of what is no JSON the parser tells the line itself.
    found = [_LINE.search(problem.message) for problem in problems]
    return [int(each[1]) if each else 1 for each in found]


def _is_broken_spec(content: bytes) -> bool:
    """Whether a text that is no JSON was meant as a spec, and not as lines of JSON."""
    if not _SPEC.search(content):
        return False
    first_line = content.lstrip().partition(b"\n")[0]
    try:
        from_json(first_line)
    except ValueError:
        return first_line.startswith(b"{")
    return False


def _listed(title: str, problems: list[Problem]) -> str:
    lines = [f"  {each.pointer or 'the file'}: {each.message}" for each in problems]
    return "\n".join([title, *lines])
