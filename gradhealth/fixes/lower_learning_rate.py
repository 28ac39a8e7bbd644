"""A smaller learning rate."""

from collections.abc import Iterator

from ..rewriting.edits import with_optimizer
from ..rewriting.rates import customary_rate
from .base import Case, Proposal, Remedy

# The careful variant goes this many times below the customary rate.
CAREFUL_DIVISOR = 10


class LowerLearningRate(Remedy):
    """Sets the rate to what is customary for the optimizer, or to a tenth of it.

    Cures steps that are larger than the weights; never a network whose gradients grow
    from layer to layer at the start.
    """

    kind = "learning_rate"
    treats = frozenset(
        {
            "exploding_gradient",
            "temporal_exploding_gradient",
            "dead_relu",
            "saturated_activation",
            "stalled_training",
            "non_finite",
        }
    )
    causes = frozenset({"learning_rate", "target_scale", "loss"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        optimizer = case.network.spec.training.optimizer
        customary = customary_rate(optimizer)
        for variant, rate in (
            ("", customary),
            ("careful", customary / CAREFUL_DIVISOR),
        ):
            if rate >= optimizer.lr:
                continue
            yield Proposal(
                title=f"Lower the learning rate from {optimizer.lr:g} to {rate:g}",
                why=(
                    "A step must stay small beside the weights (about 1e-3 of them); "
                    "larger ones throw units out of range or let the loss grow."
                ),
                spec=with_optimizer(case.document, case.network, lr=rate),
                snippet=(
                    f"torch.optim.{optimizer.type}(model.parameters(), lr={rate:g})"
                ),
                variant=variant,
            )
