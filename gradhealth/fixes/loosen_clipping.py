"""A looser limit on the gradient's norm, where the limit itself stops the training."""

from collections.abc import Iterator

from ..rewriting.edits import with_training, without_training
from .base import Case, Proposal, Remedy

MAX_NORM = 1.0


class LoosenClipping(Remedy):
    """Clips the norm at 1 instead of less, and no longer each value by itself."""

    kind = "clipping"
    treats = frozenset({"stalled_training"})
    causes = frozenset({"clipping"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        training = case.network.spec.training
        limit = training.clip_grad_norm
        if (limit is None or limit >= MAX_NORM) and training.clip_grad_value is None:
            return
        unclipped = without_training(case.document, "clip_grad_value")
        yield Proposal(
            title=f"Clip the gradient's norm at {MAX_NORM:g} instead",
            why=(
                "With SGD no step is longer than the learning rate times the limit; a "
                "limit far below the usual norm is a learning rate near 0."
            ),
            spec=with_training(unclipped, clip_grad_norm=MAX_NORM),
            snippet=f"nn.utils.clip_grad_norm_(model.parameters(), {MAX_NORM})",
        )
