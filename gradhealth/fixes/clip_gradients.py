"""A limit on the gradient's norm."""

from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

MAX_NORM = 1.0


class ClipGradients(Remedy):
    """Rescales gradients whose norm is above 1 (Pascanu 2013).

    Cures steps that are too large now and then. Never cures vanishing, dead units or
    data that is not finite: it cannot make a gradient larger.
    """

    kind = "clipping"
    treats = frozenset(
        {"exploding_gradient", "temporal_exploding_gradient", "non_finite"}
    )
    causes = frozenset({"learning_rate", "recurrence", "target_scale"})
    misused_for = frozenset(
        {"vanishing_gradient", "temporal_vanishing_gradient", "dead_relu"}
    )

    def proposals(self, case: Case) -> Iterator[Proposal]:
        limit = case.network.spec.training.clip_grad_norm
        if limit is not None and limit <= MAX_NORM:
            return
        yield Proposal(
            title=f"Clip the gradient's norm at {MAX_NORM:g}",
            why=(
                "A clipped step has a bounded length, so that one steep place does not "
                "throw the weights away (Pascanu 2013)."
            ),
            spec=with_training(case.document, clip_grad_norm=MAX_NORM),
            snippet=(
                "# between loss.backward() and optimizer.step():\n"
                f"nn.utils.clip_grad_norm_(model.parameters(), {MAX_NORM})"
            ),
        )
