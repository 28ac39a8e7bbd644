"""Another activation, with the initialisation that belongs to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..layers.linear import Dropout
from ..rewriting.anatomy import (
    activation_of,
    hidden,
    is_activation,
    is_norm,
    is_plain,
)
from ..rewriting.edits import Place, replace_layers
from ..rewriting.init_rules import ELU_GAIN, HE, LECUN, Rule, with_weights
from .base import Case, Proposal, Remedy


@dataclass(frozen=True, slots=True)
class Choice:
    """An activation and the law of the weights that suits it.

    Attributes:
        self_normalising: Its law holds only where nothing but weights and activations
            stands in one sequence (Klambauer 2017).
    """

    entry: dict[str, Any]
    law: Rule
    law_name: str
    torch: str
    draw: str
    why: str
    self_normalising: bool = False


KAIMING = "nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')"
LECUN_DRAW = "nn.init.normal_(layer.weight, std=layer.in_features**-0.5)"
SLOPE = 0.2

CHOICES: dict[str, Choice] = {
    "selu": Choice(
        {"type": "SELU"},
        LECUN,
        "LeCun",
        "nn.SELU()",
        LECUN_DRAW,
        "SELU with LeCun weights pulls mean and variance of every layer to 0 and 1, "
        "and the gradient's factor a layer to about 1.04 (Klambauer 2017).",
        self_normalising=True,
    ),
    "elu": Choice(
        {"type": "ELU"},
        LECUN | {"gain": ELU_GAIN},
        "matching",
        "nn.ELU()",
        f"nn.init.normal_(layer.weight, std={ELU_GAIN} * layer.in_features**-0.5)",
        "ELU keeps a slope below 0 and means near 0 (Clevert 2016); weights of "
        "variance 1.2234^2/fan_in keep the gradient's size (factor 1.01 a layer).",
    ),
    "relu": Choice(
        {"type": "ReLU"},
        HE,
        "He",
        "nn.ReLU()",
        KAIMING,
        "ReLU has slope 1 where it is on; weights of variance 2/fan_in keep the "
        "gradient's size (He 2015).",
    ),
    "leaky_relu": Choice(
        {"type": "LeakyReLU", "negative_slope": SLOPE},
        {"fn": "kaiming_normal_", "a": SLOPE, "nonlinearity": "leaky_relu"},
        "He",
        f"nn.LeakyReLU({SLOPE})",
        f"nn.init.kaiming_normal_(layer.weight, a={SLOPE})",
        "LeakyReLU never has slope 0, so no unit is cut off for good; weights of "
        "variance 2/((1 + a^2) fan_in) keep the gradient's size (He 2015).",
    ),
    "tanh": Choice(
        {"type": "Tanh"},
        LECUN,
        "LeCun",
        "nn.Tanh()",
        LECUN_DRAW,
        "Tanh has slope 1 at 0; weights of variance 1/fan_in put it on the edge of "
        "chaos, where the gradient falls as a power of depth only (Poole 2016).",
    ),
    "gelu": Choice(
        {"type": "GELU"},
        HE,
        "He",
        "nn.GELU()",
        KAIMING,
        "GELU is a smooth ReLU (Hendrycks & Gimpel 2016), popular in transformers; "
        "with He's weights it loses about a quarter of the gradient a layer.",
    ),
    "silu": Choice(
        {"type": "SiLU"},
        HE,
        "He",
        "nn.SiLU()",
        KAIMING,
        "SiLU (Swish) is a smooth ReLU (Ramachandran 2017); with He's weights it "
        "loses about a quarter of the gradient a layer.",
    ),
}


class ReplaceActivation(Remedy):
    """Replaces every hidden activation and draws the weights to match.

    Not for gates and outputs, which stay as they are; SELU not beside norms, dropout
    or skips, where its fixed point does not hold.
    """

    kind = "activation"
    treats = frozenset({"vanishing_gradient", "saturated_activation", "dead_relu"})
    causes = frozenset({"activation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        present = activation_of(case.network)
        if present is None:
            return
        plain = is_plain(case.network) and not any(
            is_norm(node) or isinstance(node.layer, Dropout)
            for node in case.network.walk()
        )
        for variant, choice in CHOICES.items():
            kind = choice.entry["type"]
            if kind == present.kind or (choice.self_normalising and not plain):
                continue
            replaced = _replaced(case, choice.entry)
            if replaced == case.document:
                continue
            yield Proposal(
                title=(
                    f"Replace {present.kind} by {kind} with {choice.law_name} weights"
                ),
                why=choice.why,
                spec=with_weights(replaced, case.network, choice.law),
                snippet=_snippet(present.kind, choice),
                variant=variant,
            )


def _replaced(case: Case, entry: dict[str, Any]) -> dict[str, Any]:
    paths = hidden(case.network)

    def replace(place: Place) -> Any:
        if place.is_within(paths) and place.is_all(is_activation):
            return entry
        return place.entry

    return replace_layers(case.document, case.network, replace)


def _snippet(old: str, choice: Choice) -> str:
    return (
        f"# {choice.torch} in place of every nn.{old}()\n"
        "for layer in model.modules():\n"
        "    if isinstance(layer, nn.Linear):\n"
        f"        {choice.draw}\n"
        "        nn.init.zeros_(layer.bias)"
    )
