"""Smaller branches for skips that are there already."""

from collections.abc import Iterator
from typing import Any

from ..architecture.network import Node
from ..layers.block import Residual
from ..rewriting.anatomy import is_norm
from ..rewriting.edits import Place, replace_layers
from .base import Case, Proposal, Remedy


class ScaleResidual(Remedy):
    """Scales the branches of residual blocks that neither scale nor normalise.

    An unscaled branch of gain 1 multiplies the gradient by sqrt(2) a block.
    """

    kind = "residual"
    treats = frozenset({"exploding_gradient", "non_finite", "stalled_training"})
    causes = frozenset({"residual", "normalisation", "depth"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        num_blocks = sum(map(_is_unscaled, case.network.walk()))
        if not num_blocks:
            return
        scale = round(num_blocks**-0.5, 4)
        yield Proposal(
            title="Scale each residual branch by 1/sqrt(number of blocks)",
            why=(
                f"{num_blocks} branches of gain 1 multiply the gradient by sqrt(2) "
                "each; scaled, all of them together by at most sqrt(e) = 1.65 "
                "(Zhang 2019)."
            ),
            spec=_scaled(case, {"scale": scale}),
            snippet=f"x = x + {scale} * block(x)",
        )
        yield Proposal(
            title="Start each residual branch at 0 (SkipInit)",
            why=(
                "At the start every block is the identity, so the gradient's factor is "
                "exactly 1; a learned scalar lets each branch in (De & Smith 2020)."
            ),
            spec=_scaled(case, {"scale": 0.0, "learn_scale": True}),
            snippet=(
                "self.scale = nn.Parameter(torch.zeros(()))\n"
                "x = x + self.scale * block(x)"
            ),
            variant="skip_init",
        )


def _is_unscaled(node: Node) -> bool:
    layer = node.layer
    return (
        isinstance(layer, Residual)
        and layer.scale == 1
        and not layer.learn_scale
        and not any(map(is_norm, node.walk()))
    )


def _scaled(case: Case, scaling: dict[str, Any]) -> dict[str, Any]:
    def replace(place: Place) -> Any:
        if isinstance(place.entry, dict) and place.is_all(_is_unscaled):
            return place.entry | scaling
        return place.entry

    return replace_layers(case.document, case.network, replace)
