"""A scaled loss, so that float16 holds the gradients."""

from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

HALF = ("float16", "bfloat16")


class ScaleLoss(Remedy):
    """Mixed precision: float32 weights, and for float16 a loss scale that adapts.

    Keeps most of the speed of 16 bits. No cure for anything that float32 shows too.
    """

    kind = "precision"
    treats = frozenset({"stalled_training", "non_finite", "vanishing_gradient"})
    causes = frozenset({"precision"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        precision = case.network.spec.training.precision
        if precision not in HALF:
            return
        scaler = " and a gradient scaler" if precision == "float16" else ""
        yield Proposal(
            title=f"Keep the weights in float32: autocast to {precision}{scaler}",
            why=(
                "Small updates add up in float32 weights, and a scaled loss lifts "
                "gradients above 6e-8, below which float16 has only 0 "
                "(Micikevicius 2018)."
            ),
            spec=with_training(case.document, precision=f"amp_{precision}"),
            snippet=(
                f"with torch.autocast('cuda', dtype=torch.{precision}):\n"
                "    loss = criterion(model(x), y)\n"
                "scaler.scale(loss).backward()  # scaler = torch.amp.GradScaler()\n"
                "scaler.step(optimizer), scaler.update()"
            ),
        )
