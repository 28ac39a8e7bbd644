"""Skip connections around the layers of a plain trunk."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..rewriting.anatomy import trunk
from ..rewriting.blocks import (
    Block,
    blocks,
    entries,
    is_weighted_block,
    keeps_shape,
    norm_for,
    normalised,
)
from ..rewriting.edits import Place, lists, rewrite_lists
from ..rewriting.init_rules import with_weights
from ..rewriting.laws import HE
from .base import Case, Proposal, Remedy

# A skip around fewer blocks would leave nothing to skip.
MIN_BLOCKS = 3


class AddResidual(Remedy):
    """Wraps each block of the trunk that keeps its shape in a scaled residual.

    Never an unscaled one without norm: it multiplies the gradient by sqrt(2) a block
    and more, and turns vanishing into exploding (Zhang 2019, De & Smith 2020).
    """

    kind = "residual"
    treats = frozenset({"vanishing_gradient", "exploding_gradient"})
    causes = frozenset({"depth", "residual", "activation", "normalisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        paths = trunk(case.network)
        num_blocks = sum(
            len(block[0].nodes)
            for places in lists(case.document, case.network)
            for block in blocks(places)
            if is_weighted_block(block, paths) and keeps_shape(block)
        )
        if num_blocks < MIN_BLOCKS:
            return
        scale = round(num_blocks**-0.5, 4)
        yield Proposal(
            title="Add norm, ReLU, He weights and scaled skips around each layer",
            why=(
                f"The skip carries the gradient past all {num_blocks} layers; the norm "
                "and the scale 1/sqrt(number of blocks) keep the sum of the branches "
                "from growing (He 2016, De & Smith 2020)."
            ),
            spec=with_weights(
                _wrapped(case, {"scale": scale}, with_relu=True), case.network, HE
            ),
            snippet=(
                f"# block = nn.Sequential(nn.Linear(n, n), nn.BatchNorm1d(n), "
                f"nn.ReLU())\nx = x + {scale} * block(x)"
            ),
            variant="norm_relu",
        )
        yield Proposal(
            title="Add skips around each layer, scaled by 1/sqrt(number of blocks)",
            why=(
                f"The skip carries the gradient past all {num_blocks} layers; the "
                "scale keeps its end-to-end factor below sqrt(e) = 1.65 (Zhang 2019)."
            ),
            spec=_wrapped(case, {"scale": scale}),
            snippet=f"x = x + {scale} * block(x)",
            variant="scaled",
        )
        yield Proposal(
            title="Add skips whose branches start at 0 (SkipInit)",
            why=(
                "At the start every block is the identity, so the gradient's factor is "
                "exactly 1; a learned scalar lets each branch in (De & Smith 2020)."
            ),
            spec=_wrapped(case, {"scale": 0.0, "learn_scale": True}),
            snippet=(
                "self.scale = nn.Parameter(torch.zeros(()))\n"
                "x = x + self.scale * block(x)"
            ),
            variant="skip_init",
        )


def _wrapped(
    case: Case, scaling: dict[str, Any], *, with_relu: bool = False
) -> dict[str, Any]:
    """The spec with its blocks wrapped, all of them made norm and ReLU if so asked."""
    paths = trunk(case.network)
    batch_size = case.network.spec.training.batch_size

    def body(block: Block) -> list[Any]:
        if not with_relu:
            return entries(block)
        norm = norm_for(block[0].nodes[0].output, batch_size)
        return normalised(block, norm, {"type": "ReLU"})

    def edit(places: Sequence[Place]) -> list[Any]:
        edited: list[Any] = []
        for block in blocks(places):
            if not is_weighted_block(block, paths):
                edited += entries(block)
            elif keeps_shape(block):
                edited.append({"type": "Residual", "body": body(block), **scaling})
            else:
                edited += body(block)
        return edited

    return rewrite_lists(case.document, case.network, edit)
