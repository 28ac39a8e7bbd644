"""A learning rate that rises over the first steps."""

from collections.abc import Iterator

from ..layers.attention import SelfAttention, TransformerEncoderLayer
from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

WARM_UP_SHARE = 0.1
ATTENTION = (SelfAttention, TransformerEncoderLayer)


class WarmUp(Remedy):
    """Raises the rate linearly over the first tenth of the steps.

    For attention with the norm behind the skip, whose last layers have large gradients
    at the start, and for Adam's noisy first steps; not where a schedule is set.
    """

    kind = "learning_rate"
    treats = frozenset({"exploding_gradient", "stalled_training", "non_finite"})
    causes = frozenset({"learning_rate", "optimizer"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        training = case.network.spec.training
        steps = round(WARM_UP_SHARE * training.steps)
        needed = training.optimizer.type != "SGD" or any(
            isinstance(node.layer, ATTENTION) for node in case.network.walk()
        )
        if not needed or training.schedule.type != "constant" or not steps:
            return
        yield Proposal(
            title=f"Warm the learning rate up over {steps} steps",
            why=(
                "The first gradients are the largest and the optimizer's estimates the "
                "poorest; small steps get past them (Xiong 2020)."
            ),
            spec=with_training(
                case.document,
                schedule={"type": "linear_warmup", "warmup_steps": steps},
            ),
            snippet=(
                "torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1e-3, "
                f"total_iters={steps})"
            ),
        )
