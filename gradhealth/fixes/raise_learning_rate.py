"""A larger learning rate."""

from collections.abc import Iterator

from ..rewriting.edits import with_optimizer
from ..rewriting.rates import customary_rate
from .base import Case, Proposal, Remedy


class RaiseLearningRate(Remedy):
    """Sets a rate that is too small to learn with to the optimizer's customary one.

    Does not cure vanishing: early layers would need a factor that late ones diverge
    with.
    """

    kind = "learning_rate"
    treats = frozenset({"stalled_training"})
    causes = frozenset({"learning_rate"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        optimizer = case.network.spec.training.optimizer
        rate = customary_rate(optimizer)
        if rate <= optimizer.lr:
            return
        yield Proposal(
            title=f"Raise the learning rate from {optimizer.lr:g} to {rate:g}",
            why=(
                "The gradients are healthy, but each step changes the weights by next "
                "to nothing."
            ),
            spec=with_optimizer(case.document, case.network, lr=rate),
            snippet=f"torch.optim.{optimizer.type}(model.parameters(), lr={rate:g})",
        )
