"""Normalisation between weights and activations."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ..rewriting.anatomy import activation_of, hidden, is_norm
from ..rewriting.blocks import (
    Block,
    blocks,
    entries,
    is_weighted_block,
    norm_for,
    normalised,
)
from ..rewriting.edits import Place, rewrite_lists
from ..rewriting.init_rules import with_weights
from ..rewriting.laws import HE
from .base import Case, Proposal, Remedy


class AddNormalisation(Remedy):
    """Puts a norm between each hidden weight and its activation.

    Batch norm; layer norm along sequences and for small batches. Not on the read-out,
    and not where a norm stands already. Without skips it makes gradients grow by 1.2 a
    ReLU layer, so that some 50 layers are too many for it (Yang 2019).
    """

    kind = "normalisation"
    treats = frozenset(
        {
            "vanishing_gradient",
            "exploding_gradient",
            "dead_relu",
            "saturated_activation",
            "non_finite",
            "stalled_training",
        }
    )
    causes = frozenset({"normalisation", "initialisation", "activation", "input_scale"})
    misused_for = frozenset({"weight_collapse"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        spec = _with_norms(case, None)
        if spec == case.document:
            return
        yield Proposal(
            title="Add normalisation between weights and activations",
            why=(
                "A norm sets the size of every layer's input whatever the weights, so "
                "that units neither saturate nor die and the gradient's factor a layer "
                "comes close to 1 (Ioffe & Szegedy 2015)."
            ),
            spec=spec,
            snippet=(
                "# after each hidden Linear or convolution, before its activation:\n"
                "nn.Linear(n, n), nn.BatchNorm1d(n), activation"
            ),
        )
        present = activation_of(case.network)
        if present is None or present.kind == "ReLU":
            return
        with_relu = _with_norms(case, {"type": "ReLU"})
        yield Proposal(
            title="Add normalisation, ReLU and He weights",
            why=(
                "The norm keeps half of the ReLU units on for every input, and He's "
                "weights start it at the right size (Ioffe & Szegedy 2015, He 2015)."
            ),
            spec=with_weights(with_relu, case.network, HE),
            snippet=(
                "# in place of each hidden Linear and its activation:\n"
                "nn.Linear(n, n), nn.BatchNorm1d(n), nn.ReLU()"
            ),
            variant="relu",
        )


def _with_norms(case: Case, activation: dict[str, Any] | None) -> dict[str, Any]:
    paths = hidden(case.network)
    batch_size = case.network.spec.training.batch_size

    def edit(places: Sequence[Place]) -> list[Any]:
        edited: list[Any] = []
        for before, block in pairwise([(), *blocks(places)]):
            if is_weighted_block(block, paths) and not _is_normalised(before, block):
                norm = norm_for(block[0].nodes[0].output, batch_size)
                edited += normalised(block, norm, activation)
            else:
                edited += entries(block)
        return edited

    return rewrite_lists(case.document, case.network, edit)


def _is_normalised(before: Block, block: Block) -> bool:
    """Whether the block has a norm, or one right in front of its weight (pre-norm)."""
    pre_norm = bool(before) and before[0].is_all(is_norm)
    return pre_norm or any(place.is_all(is_norm) for place in block)
