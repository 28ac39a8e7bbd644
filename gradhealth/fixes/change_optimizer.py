"""An optimizer that is indifferent to the gradient's size."""

from collections.abc import Iterator

from ..rewriting.edits import with_optimizer, with_training
from ..rewriting.rates import ADAPTIVE_RATE
from ..schemas.training import SGD, Optimizer
from .base import Case, Proposal, Remedy


class ChangeOptimizer(Remedy):
    """Replaces SGD by Adam; sets an eps larger than torch's default back to it.

    Adam divides the gradient by its own size, so it masks a decay down to about its
    eps of 1e-8; below that, and in time, it cures nothing.
    """

    kind = "optimizer"
    treats = frozenset(
        {"vanishing_gradient", "stalled_training", "temporal_vanishing_gradient"}
    )
    causes = frozenset({"optimizer"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        optimizer = case.network.spec.training.optimizer
        if not isinstance(optimizer, SGD):
            yield from _with_usual_eps(case, optimizer)
            return
        adam = {"type": "Adam", "lr": ADAPTIVE_RATE}
        if optimizer.weight_decay:
            adam["weight_decay"] = optimizer.weight_decay
        yield Proposal(
            title=f"Replace SGD by Adam with learning rate {ADAPTIVE_RATE:g}",
            why=(
                "Adam's step does not depend on the gradient's size as long as it is "
                "well above eps = 1e-8 (Kingma & Ba 2015)."
            ),
            spec=with_training(case.document, optimizer=adam),
            snippet=f"torch.optim.Adam(model.parameters(), lr={ADAPTIVE_RATE:g})",
        )


def _with_usual_eps(case: Case, optimizer: Optimizer) -> Iterator[Proposal]:
    assert not isinstance(optimizer, SGD)
    eps = type(optimizer).model_fields["eps"].default
    if optimizer.eps <= eps:
        return
    yield Proposal(
        title=f"Reduce eps of {optimizer.type} from {optimizer.eps:g} to {eps:g}",
        why=(
            "A gradient well below eps is divided by eps instead of its own size, so "
            "that the step shrinks with it (Kingma & Ba 2015)."
        ),
        spec=with_optimizer(case.document, case.network, eps=eps),
        snippet=(
            f"torch.optim.{optimizer.type}(model.parameters(), "
            f"lr={optimizer.lr:g}, eps={eps:g})"
        ),
        variant="eps",
    )
