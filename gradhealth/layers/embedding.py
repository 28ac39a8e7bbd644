"""Embeddings of tokens and of positions."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Layer, Shape, ShapeError, Signal, Size, require_rank


class Embedding(Layer):
    """A row of the table for each token: [length] becomes [length, features]."""

    type: Literal["Embedding"] = "Embedding"
    num_embeddings: Size | None = None
    embedding_dim: Size
    padding_idx: int | None = None

    station: ClassVar[bool] = True
    takes_tokens: ClassVar[bool] = True

    def output(self, signal: Signal) -> Signal:
        if signal.vocab_size is None:
            raise ShapeError(
                f"Embedding takes tokens, but the input here is {signal}: use "
                'Linear, or set input to {"tokens": length, "vocab_size": n}'
            )
        rows = self._rows(signal.vocab_size)
        if self.padding_idx is not None and not -rows <= self.padding_idx < rows:
            raise ShapeError(f"padding_idx must be below {rows}", "padding_idx")
        return Signal((*signal.dims, self.embedding_dim))

    def _rows(self, vocab_size: int) -> int:
        if self.num_embeddings is not None and self.num_embeddings < vocab_size:
            raise ShapeError(
                f"num_embeddings is {self.num_embeddings}, but there are "
                f"{vocab_size} different tokens: write {vocab_size} or leave it out",
                "num_embeddings",
            )
        return self.num_embeddings or vocab_size

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        rows = self._rows(signal.vocab_size or 0)
        return {"weight": (rows, self.embedding_dim)}


class PositionalEmbedding(Layer):
    """Adds a learned [length, features] table, N(0, std) at the start."""

    type: Literal["PositionalEmbedding"] = "PositionalEmbedding"
    std: Annotated[float, Field(ge=0)] = 0.1

    def output(self, signal: Signal) -> Signal:
        require_rank(signal, [2], "[length, features]", self.kind)
        return signal

    def parameters(self, signal: Signal) -> dict[str, Shape]:
        return {"weight": signal.dims}
