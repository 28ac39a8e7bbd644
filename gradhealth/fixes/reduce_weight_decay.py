"""Less pull of the weights towards 0."""

from collections.abc import Iterator

from ..rewriting.edits import with_optimizer, without_training
from .base import Case, Proposal, Remedy

CUSTOMARY_DECAY = 1e-4


class ReduceWeightDecay(Remedy):
    """Sets the decay to 1e-4 and takes out an L1 penalty."""

    kind = "weight_decay"
    treats = frozenset({"stalled_training", "weight_collapse"})
    causes = frozenset({"weight_decay"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        optimizer = case.network.spec.training.optimizer
        decay = min(optimizer.weight_decay, CUSTOMARY_DECAY)
        spec = without_training(case.document, "l1")
        if decay < optimizer.weight_decay:
            spec = with_optimizer(spec, case.network, weight_decay=decay)
        yield Proposal(
            title=f"Reduce the weight decay to {decay:g}, without an L1 penalty",
            why=(
                "Decay shrinks the weights by lr * decay a step; where that is more "
                "than the gradient adds, they go to 0 and the gradient with them."
            ),
            spec=spec,
            snippet=(
                f"torch.optim.{optimizer.type}(model.parameters(), "
                f"lr={optimizer.lr:g}, weight_decay={decay:g})"
            ),
        )
