"""Gates that start open, so that memory lasts as long as the task needs."""

from collections.abc import Iterator

from ..rewriting.init_rules import with_init
from ..rewriting.recurrence import gate_bias, recurrent_nodes
from .base import Case, Proposal, Remedy

GATES = {"LSTM": "forget_bias", "GRU": "update_bias"}


class SetForgetBias(Remedy):
    """Sets the forget bias of LSTMs and the update bias of GRUs.

    At 0, torch's default, half of the memory is gone at every step.
    """

    kind = "recurrence"
    treats = frozenset({"stalled_training", "temporal_vanishing_gradient"})
    causes = frozenset({"recurrence", "initialisation"})

    def proposals(self, case: Case) -> Iterator[Proposal]:
        nodes = recurrent_nodes(case.network)
        kinds = dict.fromkeys(n.layer.kind for n in nodes if n.layer.kind in GATES)
        if not kinds:
            return
        bias = gate_bias(case.network)
        rules = [{"match": f"{kind}.{GATES[kind]}", "value": bias} for kind in kinds]
        yield Proposal(
            title=f"Start the forget (update) gates at bias {bias:g}",
            why=(
                "The cell keeps sigmoid(bias) of its memory a step; a bias of about "
                "ln(lag) keeps it over the whole lag (Jozefowicz 2015, Tallec & "
                "Ollivier 2018)."
            ),
            spec=with_init(case.document, case.network, rules),
            snippet=(
                "n = rnn.hidden_size  # the second gate: f of ifgo, z of rzn\n"
                "with torch.no_grad():\n"
                "    for name, bias in rnn.named_parameters():\n"
                '        if name.startswith("bias_ih"):\n'
                f"            bias[n : 2 * n] = {bias:g}\n"
                '        elif name.startswith("bias_hh"):\n'
                "            bias[n : 2 * n] = 0"
            ),
        )
