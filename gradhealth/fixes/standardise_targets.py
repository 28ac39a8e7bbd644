"""Targets of mean 0 and standard deviation 1."""

from collections.abc import Iterator

from ..schemas.data import Regression, RegressionData
from .base import Case, Proposal, Remedy


class StandardiseTargets(Remedy):
    """Shifts and scales what is to be predicted.

    Only for real values that are drawn at another scale, or that the caller sent.
    """

    kind = "data"
    treats = frozenset({"exploding_gradient", "stalled_training", "non_finite"})
    causes = frozenset({"target_scale"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        data = case.network.spec.data
        scaled = isinstance(data, Regression) and data.target_scale != 1
        if not (scaled or isinstance(data, RegressionData)):
            return
        yield Proposal(
            title="Standardise the targets",
            why=(
                "The gradient of a squared error is proportional to the size of the "
                "targets; at size 1 the customary learning rates hold."
            ),
            spec={
                **case.document,
                "data": case.document["data"] | {"standardize_target": True},
            },
            snippet="y = (y - y_train.mean(0)) / y_train.std(0)",
        )
