"""Orthogonal weights: every singular value of a layer is the same."""

import math
from collections.abc import Iterator

from ..layers.activation import ReLU
from ..rewriting.anatomy import activation_of, is_plain
from ..rewriting.init_rules import with_weights
from ..rewriting.laws import torch_of
from .base import Case, Proposal, Remedy


class InitialiseOrthogonally(Remedy):
    """Draws orthogonal weights (Saxe 2014): exact for linear layers, good for tanh.

    Offered for plain sequences only; skips and norms have no use for it.
    """

    kind = "initialisation"
    treats = frozenset({"vanishing_gradient", "exploding_gradient"})
    causes = frozenset({"initialisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not is_plain(case.network):
            return
        relu = isinstance(activation_of(case.network), ReLU)
        law = {"fn": "orthogonal_", "gain": round(math.sqrt(2), 4) if relu else 1.0}
        yield Proposal(
            title="Initialise with orthogonal weights, zero biases",
            why=(
                "An orthogonal matrix keeps the length of every gradient, not only the "
                "mean one; the activation's slope still multiplies it (Saxe 2014)."
            ),
            spec=with_weights(case.document, case.network, law),
            snippet=torch_of(law),
        )
