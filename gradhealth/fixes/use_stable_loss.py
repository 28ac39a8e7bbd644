"""Losses computed from logits."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..architecture.network import Node
from ..layers.activation import Sigmoid, Softmax
from ..rewriting.edits import Place, rewrite_lists, with_training
from .base import Case, Proposal, Remedy

STABLE = {
    "nll_of_softmax": "cross_entropy",
    "mse_onehot": "cross_entropy",
    "bce": "bce_with_logits",
}
TORCH_NAMES = {
    "cross_entropy": "cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
}


class UseStableLoss(Remedy):
    """Takes the loss from logits, and the network's own last softmax or sigmoid out.

    The logarithm of a softmax taken apart is minus infinity as soon as a probability
    rounds to 0, and a squared error on probabilities has no gradient where they are
    wrong and sure.
    """

    kind = "loss"
    treats = frozenset(
        {
            "non_finite",
            "stalled_training",
            "saturated_activation",
            "exploding_gradient",
            "vanishing_gradient",
        }
    )
    causes = frozenset({"loss"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        loss = case.network.goal.loss
        stable = STABLE.get(loss, loss)
        last = case.network.nodes[-1]
        squashes = isinstance(last.layer, Sigmoid | Softmax)
        if stable not in TORCH_NAMES or not (loss in STABLE or squashes):
            return
        if loss == "bce" and not isinstance(last.layer, Sigmoid):
            return  # probabilities of another make: no logits to be had
        spec = _without(last, case) if squashes else case.document
        yield Proposal(
            title=f"Use {stable} on logits",
            why=(
                "Computed in one piece, the loss stays finite, and its gradient is the "
                "difference of prediction and target however sure the network is."
            ),
            spec=with_training(spec, loss=stable),
            snippet=f"nn.functional.{TORCH_NAMES[stable]}(logits, target)",
        )


def _without(last: Node, case: Case) -> dict[str, Any]:
    def edit(places: Sequence[Place]) -> list[Any]:
        return [place.entry for place in places if place.pointer != last.pointer]

    return rewrite_lists(case.document, case.network, edit)
