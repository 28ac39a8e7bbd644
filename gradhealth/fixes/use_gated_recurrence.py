"""Gated units in place of a plain RNN."""

from collections.abc import Iterator
from typing import Any

from ..layers.recurrent import RNN
from ..rewriting.edits import Place, replace_layers
from ..rewriting.recurrence import gate_bias, recurrent_nodes, with_steady_steps
from .base import Case, Proposal, Remedy

GATE_BIASES = {"LSTM": "LSTM.forget_bias", "GRU": "GRU.update_bias"}


class UseGatedRecurrence(Remedy):
    """Replaces RNNs by LSTMs or GRUs whose gates start open.

    Never without the gate's bias: an LSTM as torch initialises it forgets 40 % a step,
    which is hardly better than the RNN.
    """

    kind = "recurrence"
    treats = frozenset(
        {
            "stalled_training",
            "temporal_exploding_gradient",
            "temporal_vanishing_gradient",
        }
    )
    causes = frozenset({"recurrence"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        if not any(isinstance(n.layer, RNN) for n in recurrent_nodes(case.network)):
            return
        bias = gate_bias(case.network)
        for kind in GATE_BIASES:
            yield Proposal(
                title=f"Replace the RNN by {kind} with gate bias {bias:g}",
                why=(
                    "A gated cell carries its memory, and the gradient, unchanged from "
                    "step to step as long as the gate stays open (Hochreiter & "
                    "Schmidhuber 1997)."
                ),
                spec=_gated(case, kind, bias),
                snippet=(
                    f"nn.{kind}(input_size, hidden_size, batch_first=True)\n"
                    f"# and its {GATE_BIASES[kind].partition('.')[2]}: {bias:g}"
                ),
                variant=kind.lower(),
            )


def _gated(case: Case, kind: str, bias: float) -> dict[str, Any]:
    def replace(place: Place) -> Any:
        plain = place.is_all(lambda node: isinstance(node.layer, RNN))
        if not (plain and isinstance(place.entry, dict)):
            return place.entry
        kept = {k: v for k, v in place.entry.items() if k != "nonlinearity"}
        return kept | {"type": kind}

    spec = replace_layers(case.document, case.network, replace)
    # What was said about the RNN's parameters has nothing left to match.
    spec["init"] = [
        rule for rule in spec.get("init", []) if not rule["match"].startswith("RNN.")
    ] + [{"match": GATE_BIASES[kind], "value": bias}]
    return with_steady_steps(spec, case.network)
