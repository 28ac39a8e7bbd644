"""Samples that are not numbers have to go."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..documents.arrays import decode_npy, encode_npy
from ..schemas.data import Inline
from .base import Case, Proposal, Remedy


class CleanData(Remedy):
    """Drops the samples with NaN or infinities from the caller's own data."""

    kind = "data"
    treats = frozenset({"non_finite", "stalled_training"})
    causes = frozenset({"data"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        data = case.network.goal.data
        if case.cause != "data" or not isinstance(data, Inline):
            return
        x, y = decode_npy(data.x.npy), decode_npy(data.y.npy)
        kept = _finite(x) & _finite(y)
        document = case.document
        yield Proposal(
            title=f"Remove the {len(kept) - kept.sum()} samples that are not finite",
            why=(
                "One NaN in a batch makes the loss and every gradient NaN; no change "
                "of the network or its training helps."
            ),
            spec={
                **document,
                "data": {
                    **document["data"],
                    "x": {"npy": encode_npy(x[kept])},
                    "y": {"npy": encode_npy(y[kept])},
                },
            },
            snippet="keep = x.isfinite().flatten(1).all(1)\nx, y = x[keep], y[keep]",
        )


def _finite(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """[n] whether every number of a sample is finite."""
    known: NDArray[np.bool_] = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    return known
