"""Inputs of mean 0 and standard deviation 1."""

from collections.abc import Iterator

from ..schemas.data import Classification, Clusters, Data, RegressionData
from .base import Case, Proposal, Remedy


class StandardiseInputs(Remedy):
    """Shifts and scales each feature of the data (LeCun 1998).

    Not for tokens, and not for built-in data that is drawn at the right scale.
    """

    kind = "data"
    treats = frozenset(
        {
            "saturated_activation",
            "exploding_gradient",
            "vanishing_gradient",
            "dead_relu",
            "stalled_training",
            "non_finite",
            "temporal_exploding_gradient",
        }
    )
    causes = frozenset({"input_scale"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not _may_be_unscaled(case.network.spec.data):
            return
        yield Proposal(
            title="Standardise the inputs",
            why=(
                "Initialisation laws assume inputs of variance 1; larger ones saturate "
                "the first layer or blow up its gradient (LeCun 1998)."
            ),
            spec={
                **case.document,
                "data": case.document["data"] | {"standardize": True},
            },
            snippet="x = (x - x_train.mean(0)) / x_train.std(0)",
        )


def _may_be_unscaled(data: Data | None) -> bool:
    if isinstance(data, Clusters):
        return data.scale != 1 or data.shift != 0
    return isinstance(data, Classification | RegressionData)
