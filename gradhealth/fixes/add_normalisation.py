"""Normalisation between weights and activations."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from ..layers.base import Signal
from ..rewriting.anatomy import activation_of, hidden, is_norm
from ..rewriting.blocks import (
    Block,
    batchless_norms,
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

# The norm that suits an output.
NormFor: TypeAlias = Callable[[Signal], dict[str, Any]]

BATCHLESS = {
    "layer_norm": "Layer norm brings the features of a sample to mean 0 and variance "
    "1 (Ba 2016).",
    "rms_norm": "RMS norm divides the features of a sample by their root mean square "
    "(Zhang & Sennrich 2019).",
    "group_norm": "Group norm normalises groups of channels of an image (Wu & He "
    "2018).",
}
TORCH = {
    "layer_norm": "nn.Linear(n, n), nn.LayerNorm(n), activation",
    "rms_norm": "nn.Linear(n, n), nn.RMSNorm(n), activation",
    "group_norm": "nn.Conv2d(n, n, 3, padding=1), nn.GroupNorm(8, n), activation",
}


class AddNormalisation(Remedy):
    """Puts a norm between each hidden weight and its activation.

    Batch norm; layer norm along sequences and for small batches; layer, RMS and group
    norm beside it. Not on the read-out,
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
        spec = _with_norms(case, _usual(case))
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
        if present is not None and present.kind != "ReLU":
            yield _with_relu(case)
        yield from _batchless(case)


def _with_relu(case: Case) -> Proposal:
    spec = _with_norms(case, _usual(case), {"type": "ReLU"})
    return Proposal(
        title="Add normalisation, ReLU and He weights",
        why=(
            "The norm keeps half of the ReLU units on for every input, and He's "
            "weights start it at the right size (Ioffe & Szegedy 2015, He 2015)."
        ),
        spec=with_weights(spec, case.network, HE),
        snippet=(
            "# in place of each hidden Linear and its activation:\n"
            "nn.Linear(n, n), nn.BatchNorm1d(n), nn.ReLU()"
        ),
        variant="relu",
    )


def _batchless(case: Case) -> Iterator[Proposal]:
    """Norms that need no batch, where they are not the usual choice already."""
    usual = _usual(case)
    usual_spec = _with_norms(case, usual)
    for variant, why in BATCHLESS.items():
        spec = _with_norms(case, _batchless_or(variant, usual))
        if spec == usual_spec:
            continue
        yield Proposal(
            title=f"Add {variant.replace('_', ' ')} between weights and activations",
            why=f"{why} It works on each sample alone, so that it is the same in "
            "training, in use, and at any batch size.",
            spec=spec,
            snippet=f"# before each hidden activation:\n{TORCH[variant]}",
            variant=variant,
        )


def _usual(case: Case) -> NormFor:
    batch_size = case.network.spec.training.batch_size
    return lambda signal: norm_for(signal, batch_size)


def _batchless_or(variant: str, usual: NormFor) -> NormFor:
    """The variant where it fits the signal."""
    return lambda signal: batchless_norms(signal).get(variant) or usual(signal)


def _with_norms(
    case: Case, norm: NormFor, activation: dict[str, Any] | None = None
) -> dict[str, Any]:
    paths = hidden(case.network)

    def edit(places: Sequence[Place]) -> list[Any]:
        edited: list[Any] = []
        for before, block in pairwise([(), *blocks(places)]):
            if is_weighted_block(block, paths) and not _is_normalised(before, block):
                own = norm(block[0].nodes[0].output)
                edited += normalised(block, own, activation)
            else:
                edited += entries(block)
        return edited

    return rewrite_lists(case.document, case.network, edit)


def _is_normalised(before: Block, block: Block) -> bool:
    """Whether the block has a norm, or one right in front of its weight (pre-norm)."""
    pre_norm = bool(before) and before[0].is_all(is_norm)
    return pre_norm or any(place.is_all(is_norm) for place in block)
