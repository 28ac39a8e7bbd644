"""Gates that decide how much of a layer's input passes it unchanged."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..rewriting.anatomy import is_activation, trunk
from ..rewriting.blocks import Block, blocks, entries, is_weighted_block, keeps_shape
from ..rewriting.edits import Place, lists, rewrite_lists
from .base import Case, Proposal, Remedy

# Gates around fewer layers would leave nothing to carry.
MIN_BLOCKS = 3
# sigmoid(-2) = 0.12: at the start nearly all of the input is carried (Srivastava 2015
# take -1 to -4, the lower the deeper).
GATE_BIAS = -2.0


class AddGates(Remedy):
    """Highway layers (Srivastava 2015), or gated linear units (Dauphin 2017).

    Not for shallow networks: a highway layer of three learns later than the plain one.
    A gate adds a matrix of the layer's own size.
    """

    kind = "residual"
    treats = frozenset({"vanishing_gradient"})
    causes = frozenset({"depth", "activation"})
    superseded = True

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if _num_blocks(case) < MIN_BLOCKS:
            return
        yield Proposal(
            title="Make each layer a highway layer",
            why=(
                "A gate mixes the layer's output with its input; it starts by carrying "
                "most of the input, and the gradient with it (Srivastava 2015)."
            ),
            spec=_rewritten(case, _highway),
            snippet=(
                "gate = torch.sigmoid(self.gate(x))  # self.gate.bias starts at "
                f"{GATE_BIAS:g}\nx = gate * torch.relu(self.linear(x)) + (1 - gate) * x"
            ),
            variant="highway",
        )
        yield Proposal(
            title="Replace activations by gated linear units (GLU)",
            why=(
                "The product of a linear layer and a gate has a path on which the "
                "gradient meets no squashing function (Dauphin 2017)."
            ),
            spec=_rewritten(case, _gated),
            snippet="x = self.linear(x) * torch.sigmoid(self.gate(x))",
            variant="glu",
        )


def _num_blocks(case: Case) -> int:
    paths = trunk(case.network)
    return sum(
        len(block[0].nodes)
        for places in lists(case.document, case.network)
        for block in blocks(places)
        if is_weighted_block(block, paths) and keeps_shape(block)
    )


def _rewritten(case: Case, gated: Callable[[Block], list[Any]]) -> dict[str, Any]:
    paths = trunk(case.network)

    def edit(places: Sequence[Place]) -> list[Any]:
        edited: list[Any] = []
        for block in blocks(places):
            fits = is_weighted_block(block, paths) and keeps_shape(block)
            # The gate of a highway works on the last axis: features, not channels.
            is_vector = all(len(n.input.dims) <= 2 for n in block[0].nodes)  # noqa: PLR2004
            edited += gated(block) if fits and is_vector else entries(block)
        return edited

    return rewrite_lists(case.document, case.network, edit)


def _highway(block: Block) -> list[Any]:
    return [{"type": "Highway", "body": entries(block), "gate_bias": GATE_BIAS}]


def _gated(block: Block) -> list[Any]:
    weight = block[0].entry
    others = [place for place in block[1:] if not place.is_all(is_activation)]
    branches = [[weight], [weight, {"type": "Sigmoid"}]]
    gate = {"type": "Parallel", "branches": branches, "merge": "mul"}
    return [gate, *entries(others)]
