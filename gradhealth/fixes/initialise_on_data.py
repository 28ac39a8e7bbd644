"""Initial weights scaled on a batch of the network's own data."""

from collections.abc import Iterator

from ..rewriting.init_rules import follows, with_weights
from ..rewriting.laws import Rule
from .base import Case, Proposal, Remedy

LSUV: Rule = {"fn": "lsuv_"}


class InitialiseOnData(Remedy):
    """LSUV: orthogonal weights, each layer scaled to outputs of variance 1.

    Mishkin & Matas 2016. It needs a first batch that looks like the others, and cannot
    help where the activation's slope is the trouble (a deep sigmoid network).
    """

    kind = "initialisation"
    treats = frozenset(
        {
            "vanishing_gradient",
            "exploding_gradient",
            "saturated_activation",
            "stalled_training",
            "non_finite",
            "weight_collapse",
        }
    )
    causes = frozenset({"initialisation", "input_scale"})
    superseded = True

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if follows(case.network, LSUV):
            return
        yield Proposal(
            title="Scale the initial weights layer by layer on a first batch (LSUV)",
            why=(
                "Every layer starts with outputs of variance 1 on the data itself, "
                "whatever its activation and the size of the inputs "
                "(Mishkin & Matas 2016)."
            ),
            spec=with_weights(case.document, case.network, LSUV),
            snippet=(
                "# for each layer in turn, on a first batch:\n"
                "nn.init.orthogonal_(layer.weight)\n"
                "layer.weight.data /= layer(x).std()"
            ),
        )
