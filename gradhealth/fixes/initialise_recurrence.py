"""Recurrent weights that neither shrink nor stretch what they carry."""

from collections.abc import Iterator
from typing import Any

from ..layers.recurrent import RNN
from ..rewriting.edits import Place, replace_layers
from ..rewriting.init_rules import with_init
from ..rewriting.laws import ZEROS, Rule
from ..rewriting.recurrence import recurrent_nodes, with_steady_steps
from .base import Case, Proposal, Remedy

# An identity recurrence adds up its inputs: they have to be small (Le 2015 take 0.001,
# which is slow over 100 steps).
INPUT_STD = 0.03


class InitialiseRecurrence(Remedy):
    """Orthogonal recurrence (Saxe 2014), or the identity with ReLU (Le 2015).

    For plain RNNs. Long sequences need Adam and clipping with it: where the spec says
    SGD, both come along.
    """

    kind = "initialisation"
    treats = frozenset({"temporal_vanishing_gradient", "temporal_exploding_gradient"})
    causes = frozenset({"recurrence", "initialisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not any(isinstance(n.layer, RNN) for n in recurrent_nodes(case.network)):
            return
        yield Proposal(
            title="Start the recurrence as the identity, with ReLU (IRNN)",
            why=(
                "A ReLU unit that feeds itself with weight 1 keeps its value, and its "
                "gradient, for ever (Le 2015)."
            ),
            spec=_identity(case),
            snippet=(
                "rnn = nn.RNN(input_size, hidden_size, nonlinearity='relu')\n"
                "nn.init.eye_(rnn.weight_hh_l0)\n"
                f"nn.init.normal_(rnn.weight_ih_l0, std={INPUT_STD})\n"
                "nn.init.zeros_(rnn.bias_hh_l0), nn.init.zeros_(rnn.bias_ih_l0)"
            ),
            variant="identity",
        )
        yield Proposal(
            title="Start the recurrence orthogonal",
            why=(
                "An orthogonal matrix keeps the gradient's length over any number of "
                "steps; only the slope of the activation is lost (Saxe 2014)."
            ),
            spec=_orthogonal(case),
            snippet=(
                "nn.init.orthogonal_(rnn.weight_hh_l0)\n"
                "nn.init.zeros_(rnn.bias_hh_l0), nn.init.zeros_(rnn.bias_ih_l0)"
            ),
            variant="orthogonal",
        )


def _orthogonal(case: Case) -> dict[str, Any]:
    rules: list[Rule] = [
        {"match": "RNN.weight_hh*", "fn": "orthogonal_"},
        {"match": "RNN.bias*"} | ZEROS,
    ]
    spec = with_init(case.document, case.network, rules)
    return with_steady_steps(spec, case.network)


def _identity(case: Case) -> dict[str, Any]:
    def replace(place: Place) -> Any:
        plain = place.is_all(lambda node: isinstance(node.layer, RNN))
        if plain and isinstance(place.entry, dict):
            return place.entry | {"nonlinearity": "relu"}
        return place.entry

    rules: list[Rule] = [
        {"match": "RNN.weight_hh*", "fn": "eye_"},
        {"match": "RNN.weight_ih*", "fn": "normal_", "std": INPUT_STD},
        {"match": "RNN.bias*"} | ZEROS,
    ]
    spec = replace_layers(case.document, case.network, replace)
    return with_steady_steps(with_init(spec, case.network, rules), case.network)
