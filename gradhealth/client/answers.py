"""How an answer is read that is a document."""

from collections.abc import Callable
from typing import TypeVar

import httpx

from ..documents.base import Record

R = TypeVar("R", bound=Record)


def reader(model: type[R]) -> Callable[[httpx.Response], R]:
    """What reads an answer as a document of that kind."""
    # A newer service may say more than this client knows.
    return lambda answer: model.model_validate_json(answer.content, extra="ignore")
