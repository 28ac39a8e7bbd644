"""The initialisation that the network's own activation needs."""

from collections.abc import Iterator

from ..layers.activation import Hardsigmoid, Sigmoid
from ..rewriting.anatomy import activation_of
from ..rewriting.init_rules import Rule, critical_rule, follows, with_weights
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
        law = critical_rule(activation)
        if (
            isinstance(activation, Sigmoid | Hardsigmoid)
            and case.problem != "vanishing_gradient"
        ):
            # The gain of 4 lifts a small slope; it would saturate what is saturated.
            law = {"fn": "xavier_normal_"}
        if follows(case.network, law):
            return  # what is left are the biases, and those have a fix of their own
        used = activation.kind if activation else "a linear network"
        yield Proposal(
            title=f"Initialise for {used}: {law_name(law)} weights, zero biases",
            why=(
                "The gradient keeps its size from layer to layer only when the "
                f"weights' variance makes up for the slope of {used} "
                "(Glorot & Bengio 2010, He 2015)."
            ),
            spec=with_weights(case.document, case.network, law),
            snippet=_snippet(law),
        )


def law_name(law: Rule) -> str:
    """How people call the law, with its gain where it is not 1."""
    names = {"kaiming_normal_": "He", "lecun_normal_": "LeCun"}
    name = names.get(law["fn"], "Xavier")
    return f"{name} (gain {law['gain']:g})" if "gain" in law else name


def _snippet(law: Rule) -> str:
    if law["fn"] == "lecun_normal_":
        std = f"{law.get('gain', 1)} * layer.in_features**-0.5"
        draw = f"nn.init.normal_(layer.weight, std={std})"
    else:
        arguments = {key: value for key, value in law.items() if key != "fn"}
        written = "".join(f", {key}={value!r}" for key, value in arguments.items())
        draw = f"nn.init.{law['fn']}(layer.weight{written})"
    return (
        "for layer in model.modules():\n"
        "    if isinstance(layer, nn.Linear):\n"
        f"        {draw}\n"
        "        nn.init.zeros_(layer.bias)"
    )
