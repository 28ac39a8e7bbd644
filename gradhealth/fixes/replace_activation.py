"""Another activation, with the initialisation that belongs to it."""

from collections.abc import Iterator
from typing import Any

from ..architecture.network import Network
from ..layers.activation import ELU, GELU, SELU, LeakyReLU, PReLU, ReLU, SiLU, Tanh
from ..layers.base import Layer
from ..layers.linear import Dropout
from ..rewriting.anatomy import activation_of, hidden, is_activation, is_norm, is_plain
from ..rewriting.edits import Place, replace_layers
from ..rewriting.init_rules import with_weights
from ..rewriting.laws import critical_law, name_of, torch_of
from .base import Case, Proposal, Remedy

# By variant, the most promising for deep networks first.
CHOICES: dict[str, tuple[Layer, str]] = {
    "selu": (
        SELU(),
        (
            "SELU with LeCun weights pulls mean and variance of every layer to 0 and "
            "1, and the gradient's factor a layer to about 1.04 (Klambauer 2017)."
        ),
    ),
    "elu": (
        ELU(),
        (
            "ELU keeps a slope below 0 and means near 0 (Clevert 2016); weights of "
            "variance 1.2234^2/fan_in keep the gradient's size (factor 1.01 a layer)."
        ),
    ),
    "relu": (
        ReLU(),
        (
            "ReLU has slope 1 where it is on; weights of variance 2/fan_in keep the "
            "gradient's size (He 2015)."
        ),
    ),
    "leaky_relu": (
        LeakyReLU(negative_slope=0.2),
        (
            "LeakyReLU never has slope 0, so no unit is cut off for good; weights of "
            "variance 2/((1 + a^2) fan_in) keep the gradient's size (He 2015)."
        ),
    ),
    "prelu": (
        PReLU(),
        (
            "PReLU learns its slope below 0; weights of variance 2/((1 + a^2) fan_in) "
            "for its first slope of 0.25 keep the gradient's size (He 2015)."
        ),
    ),
    "tanh": (
        Tanh(),
        (
            "Tanh has slope 1 at 0; weights of variance 1/fan_in put it on the edge of "
            "chaos, where the gradient falls as a power of depth only (Poole 2016)."
        ),
    ),
    "gelu": (
        GELU(),
        (
            "GELU is a smooth ReLU (Hendrycks & Gimpel 2016), popular in transformers; "
            "with He's weights it loses about a quarter of the gradient a layer."
        ),
    ),
    "silu": (
        SiLU(),
        (
            "SiLU (Swish) is a smooth ReLU (Ramachandran 2017); with He's weights it "
            "loses about a quarter of the gradient a layer."
        ),
    ),
}


class ReplaceActivation(Remedy):
    """Replaces every hidden activation and draws the weights to match.

    Not for gates and outputs, which stay as they are; SELU not beside norms, dropout
    or skips, where its fixed point does not hold (Klambauer 2017).
    """

    kind = "activation"
    treats = frozenset({"vanishing_gradient", "saturated_activation", "dead_relu"})
    causes = frozenset({"activation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        present = activation_of(case.network)
        if present is None:
            return
        bare = _is_bare(case.network)
        for variant, (layer, why) in CHOICES.items():
            if layer.kind == present.kind or (isinstance(layer, SELU) and not bare):
                continue
            replaced = _replaced(case, layer)
            if replaced == case.document:
                continue
            law = critical_law(layer)
            yield Proposal(
                title=(
                    f"Replace {present.kind} by {layer.kind} with {name_of(law)} "
                    "weights"
                ),
                why=why,
                spec=with_weights(replaced, case.network, law),
                snippet=(
                    f"# nn.{layer.kind} in place of nn.{present.kind}, and:\n"
                    f"{torch_of(law)}"
                ),
                variant=variant,
            )


def _is_bare(network: Network) -> bool:
    """Whether there are weights and activations only, in one sequence."""
    return is_plain(network) and not any(
        is_norm(node) or isinstance(node.layer, Dropout) for node in network.walk()
    )


def _replaced(case: Case, layer: Layer) -> dict[str, Any]:
    paths = hidden(case.network)
    entry = {"type": layer.kind} | layer.model_dump(exclude_defaults=True)

    def replace(place: Place) -> Any:
        if place.is_within(paths) and place.is_all(is_activation):
            return entry
        return place.entry

    return replace_layers(case.document, case.network, replace)
