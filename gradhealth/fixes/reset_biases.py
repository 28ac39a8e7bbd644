"""Biases that start at 0."""

from collections.abc import Iterator

from ..rewriting.init_rules import with_init, zero_biases
from .base import Case, Proposal, Remedy


class ResetBiases(Remedy):
    """Sets the biases of Linear and convolutions to 0 at the start.

    Only where init rules set them to something else: torch's own small random biases
    kill no unit.
    """

    kind = "initialisation"
    treats = frozenset({"dead_relu", "saturated_activation", "stalled_training"})
    causes = frozenset({"initialisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not case.network.spec.init:
            return
        rules = zero_biases(case.network)
        if not rules:
            return
        yield Proposal(
            title="Start the biases at 0",
            why=(
                "A large negative bias keeps a ReLU off for every input, a large one "
                "of either sign saturates a sigmoid; at 0 half of the inputs pass."
            ),
            spec=with_init(case.document, case.network, rules),
            snippet=(
                "for layer in model.modules():\n"
                "    if isinstance(layer, nn.Linear):\n"
                "        nn.init.zeros_(layer.bias)"
            ),
        )
