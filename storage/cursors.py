"""Opaque marks in a listing: where the next page begins."""

import base64
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from gradhealth.exceptions import InvalidDocumentError, Problem


class Position(NamedTuple):
    """The last item of a page, by the keys of the order (newest first)."""

    created_at: datetime
    id: str


_PACKED: TypeAdapter[tuple[AwareDatetime, str]] = TypeAdapter(tuple[AwareDatetime, str])


def encode_cursor(position: Position) -> str:
    """Pack a position so that it can travel in a URL."""
    return base64.urlsafe_b64encode(_PACKED.dump_json(position)).decode()


def decode_cursor(cursor: str) -> Position:
    """Unpack what `encode_cursor` packed.

    Raises:
        InvalidDocumentError: The cursor is not one of ours.
    """
    try:
        packed = base64.urlsafe_b64decode(cursor.encode())
        return Position(*_PACKED.validate_json(packed))
    except (ValidationError, ValueError) as error:
        message = "not a cursor of this listing; leave it out to begin with the newest"
        raise InvalidDocumentError([Problem("/cursor", message)]) from error
