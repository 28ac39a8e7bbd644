"""Weights and gradients in float32."""

from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy


class RaisePrecision(Remedy):
    """Trains in float32 what is trained in 16 bits."""

    kind = "precision"
    treats = frozenset(
        {"stalled_training", "non_finite", "vanishing_gradient", "exploding_gradient"}
    )
    causes = frozenset({"precision"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        precision = case.network.spec.training.precision
        if precision == "float32":
            return
        yield Proposal(
            title=f"Train in float32 instead of {precision}",
            why=(
                "bfloat16 rounds away updates below 0.002 of the weight, and float16 "
                "loses gradients below 6e-8 and overflows above 65,504 "
                "(Micikevicius 2018)."
            ),
            spec=with_training(case.document, precision="float32"),
            snippet="model.float()  # and no torch.autocast",
        )
