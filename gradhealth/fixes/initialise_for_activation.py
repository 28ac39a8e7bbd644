"""The initialisation that the network's own activation needs."""

from collections.abc import Iterator

from ..layers.activation import Hardsigmoid, Sigmoid
from ..rewriting.anatomy import activation_of
from ..rewriting.init_rules import follows, with_weights
from ..rewriting.laws import XAVIER, critical_law, name_of, torch_of
from .base import Case, Proposal, Remedy


class InitialiseForActivation(Remedy):
    """Draws Linear and convolution weights so that the gradient keeps its size.

    No sigmoid network of more than a few layers is cured by it: its slope is too small
    for any weights that do not saturate it.
    """

    kind = "initialisation"
    treats = frozenset(
        {
            "vanishing_gradient",
            "exploding_gradient",
            "dead_relu",
            "saturated_activation",
            "stalled_training",
            "non_finite",
            "weight_collapse",
        }
    )
    causes = frozenset({"initialisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        activation = activation_of(case.network)
        law = critical_law(activation)
        if (
            isinstance(activation, Sigmoid | Hardsigmoid)
            and case.problem != "vanishing_gradient"
        ):
            # The gain of 4 lifts a small slope; it would saturate what is saturated.
            law = XAVIER
        if follows(case.network, law):
            return  # what is left are the biases, and those have a fix of their own
        used = activation.kind if activation else "a linear network"
        yield Proposal(
            title=f"Initialise for {used}: {name_of(law)} weights, zero biases",
            why=(
                "The gradient keeps its size from layer to layer only when the "
                f"weights' variance makes up for the slope of {used} "
                "(Glorot & Bengio 2010, He 2015)."
            ),
            spec=with_weights(case.document, case.network, law),
            snippet=torch_of(law),
        )
