"""Larger batches for batch norm."""

from collections.abc import Iterator

from ..rewriting.edits import with_training
from .base import Case, Proposal, Remedy

# Statistics of fewer samples are noise: at 8 a ReLU layer's backward factor is 1.33 in
# place of 1.21.
MIN_SAMPLES, ENOUGH_SAMPLES = 32, 64


class EnlargeBatch(Remedy):
    """Takes enough samples a batch for batch norm to know mean and variance.

    Only for networks with batch norm; others see no other gradient, only less noise.
    """

    kind = "normalisation"
    treats = frozenset({"exploding_gradient", "stalled_training", "non_finite"})
    causes = frozenset({"normalisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        batch_size = case.network.spec.training.batch_size
        has_batch_norm = any(
            node.layer.kind.startswith("BatchNorm") for node in case.network.walk()
        )
        if not has_batch_norm or batch_size >= MIN_SAMPLES:
            return
        yield Proposal(
            title=f"Take {ENOUGH_SAMPLES} samples a batch instead of {batch_size}",
            why=(
                f"Batch norm divides by a deviation that {batch_size} samples hardly "
                "tell, which adds noise and makes gradients grow faster (Wu & He 2018)."
            ),
            spec=with_training(case.document, batch_size=ENOUGH_SAMPLES),
            snippet=f"DataLoader(dataset, batch_size={ENOUGH_SAMPLES}, shuffle=True)",
        )
