"""Blocks: a weighted layer with the norms and activations behind it."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from ..layers.base import Signal
from .anatomy import is_activation, is_norm, is_weighted
from .edits import Place

Block = Sequence[Place]

# Below this batch size the statistics of a batch are too noisy to normalise with
# (Wu & He 2018).
MIN_BATCH_SIZE = 16
# Groups of channels of a group norm, where the channels can be shared out so.
MAX_GROUPS = 8
BATCH_NORMS = {1: "BatchNorm1d", 3: "BatchNorm2d", 4: "BatchNorm3d"}


def blocks(places: Sequence[Place]) -> list[Block]:
    """Cuts a list in front of whatever is neither norm nor activation."""
    cut: list[list[Place]] = []
    for place in places:
        if cut and place.is_all(lambda node: is_norm(node) or is_activation(node)):
            cut[-1].append(place)
        else:
            cut.append([place])
    return [tuple(block) for block in cut]


def is_weighted_block(block: Block, paths: Collection[str]) -> bool:
    """Whether a weight within `paths` begins the block and an activation follows."""
    return (
        block[0].is_all(is_weighted)
        and all(place.is_within(paths) for place in block)
        and any(place.is_all(is_activation) for place in block)
    )


def keeps_shape(block: Block) -> bool:
    """Whether most of the layers made of its weight give the shape that they take."""
    nodes = block[0].nodes
    return 2 * sum(node.input == node.output for node in nodes) > len(nodes)


def entries(block: Block) -> list[Any]:
    """The block as it is written."""
    return [place.entry for place in block]


def normalised(
    block: Block, norm: dict[str, Any], activation: dict[str, Any] | None
) -> list[Any]:
    """The block with a norm behind its weight; null keeps its own activation."""
    kept = [place for place in block[1:] if not place.is_all(is_norm)]
    if activation is None:
        return [block[0].entry, norm, *entries(kept)]
    others = [place for place in kept if not place.is_all(is_activation)]
    return [block[0].entry, norm, activation, *entries(others)]


def norm_for(signal: Signal, batch_size: int) -> dict[str, Any]:
    """Batch norm; layer norm along a sequence and where the batch is too small."""
    rank = len(signal.dims)
    if rank in BATCH_NORMS and batch_size >= MIN_BATCH_SIZE:
        return {"type": BATCH_NORMS[rank]}
    if rank in (1, 2):
        return {"type": "LayerNorm"}
    # A layer norm whose parameters do not depend on the size of the image.
    return {"type": "GroupNorm", "num_groups": 1}


def batchless_norms(signal: Signal) -> dict[str, dict[str, Any]]:
    """Norms that work on each sample alone, by the word for them."""
    if len(signal.dims) <= 2:  # noqa: PLR2004 -- [length, features]
        return {"layer_norm": {"type": "LayerNorm"}, "rms_norm": {"type": "RMSNorm"}}
    num_groups = math.gcd(signal.channels, MAX_GROUPS)
    return {"group_norm": {"type": "GroupNorm", "num_groups": num_groups}}
