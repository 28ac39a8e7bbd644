"""Samples that are not numbers have to go."""

from collections.abc import Iterator

from .base import Case, Proposal, Remedy


class CleanData(Remedy):
    """Advice: no spec can say which samples to drop."""

    kind = "data"
    treats = frozenset({"non_finite", "stalled_training"})
    causes = frozenset({"data"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if case.cause != "data" or case.problem != "non_finite":
            return
        yield Proposal(
            title="Remove or fill in samples that are not finite",
            why=(
                "One NaN in a batch makes the loss and every gradient NaN; no change "
                "of the network or its training helps."
            ),
            spec=None,
            snippet="keep = x.isfinite().flatten(1).all(1)\nx, y = x[keep], y[keep]",
        )
