"""Transformer layers whose norms stand before the branches."""

from collections.abc import Iterator
from typing import Any

from ..architecture.network import Node
from ..layers.attention import TransformerEncoderLayer
from ..rewriting.edits import Place, replace_layers
from .base import Case, Proposal, Remedy


class NormaliseFirst(Remedy):
    """Sets `norm_first` of TransformerEncoderLayer: pre-norm instead of post-norm.

    Only for torch's own layer; blocks written out have their norms where they stand.
    """

    kind = "normalisation"
    treats = frozenset(
        {"vanishing_gradient", "exploding_gradient", "stalled_training", "non_finite"}
    )
    causes = frozenset({"normalisation", "learning_rate", "depth"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not any(map(_is_post_norm, case.network.walk())):
            return
        yield Proposal(
            title="Put the norms of the transformer layers first (pre-norm)",
            why=(
                "With the norm inside the branch, the skips make one undisturbed path, "
                "and the last layers' gradients do not start too large (Xiong 2020)."
            ),
            spec=replace_layers(case.document, case.network, _with_norm_first),
            snippet="nn.TransformerEncoderLayer(d_model, nhead, norm_first=True)",
        )


def _is_post_norm(node: Node) -> bool:
    return isinstance(node.layer, TransformerEncoderLayer) and not node.layer.norm_first


def _with_norm_first(place: Place) -> Any:
    if isinstance(place.entry, dict) and place.is_all(_is_post_norm):
        return place.entry | {"norm_first": True}
    return place.entry
