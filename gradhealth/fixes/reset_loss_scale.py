"""A loss that is not multiplied by anything."""

from collections.abc import Iterator

from ..rewriting.edits import without_training
from .base import Case, Proposal, Remedy


class ResetLossScale(Remedy):
    """Sets the factor on the loss to 1; it acts like a factor on the learning rate.

    Not in float16, where a factor keeps small gradients from becoming 0.
    """

    kind = "loss"
    treats = frozenset({"exploding_gradient", "stalled_training", "non_finite"})
    causes = frozenset({"loss"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        training = case.network.spec.training
        if training.loss_scale == 1 or training.precision == "float16":
            return
        yield Proposal(
            title="Do not scale the loss",
            why=(
                "The gradients are not divided by the factor again, so that every step "
                f"is {training.loss_scale:g} times as long as the learning rate says."
            ),
            spec=without_training(case.document, "loss_scale"),
            snippet="loss.backward()  # not (scale * loss).backward()",
        )
