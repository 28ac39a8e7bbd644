"""The architecture spec, as a person writes it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..documents.base import Document
from ..layers.base import Signal, Size
from .data import Data
from .entry import Entry
from .training import InitRule, Probe, Training


class Input(Document):
    """The shape of one sample, without the batch axis: numbers or tokens."""

    shape: Annotated[list[Size], Field(min_length=1, max_length=4)] | None = None
    tokens: Size | None = None
    vocab_size: Size | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        tokens = self.tokens is not None and self.vocab_size is not None
        if (self.shape is None) != tokens or (
            self.shape is not None and (self.tokens or self.vocab_size)
        ):
            raise PydanticCustomError(
                "input",
                'write either {"shape": [...]} or {"tokens": length, "vocab_size": n}',
            )
        return self

    def signal(self) -> Signal:
        """The signal that enters the network."""
        if self.shape is not None:
            return Signal(tuple(self.shape))
        assert self.tokens is not None
        return Signal((self.tokens,), self.vocab_size)


class Definition(Document):
    """A body to use by `ref`; "$name" stands for the value of a parameter."""

    params: dict[str, Any] = {}
    body: Annotated[list[Any], Field(min_length=1)]


class Spec(Document):
    """An architecture and how it is trained."""

    spec_version: Literal[1] = 1
    name: str = ""
    input: Input | None = None
    data: Data | None = None
    define: Annotated[dict[str, Definition], Field(max_length=2_000)] = {}
    model: Annotated[list[Entry], Field(min_length=1)]
    init: Annotated[list[InitRule], Field(max_length=64)] = []
    training: Training = Training()
    probe: Probe = Probe()
