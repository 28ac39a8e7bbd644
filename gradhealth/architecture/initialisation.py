"""Which init rules fill which parameters, and whether they can."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..exceptions import InvalidDocumentError, Problem
from ..layers.base import Shape
from ..layers.recurrent import Recurrent
from ..schemas.training import InitRule
from .expansion import Node

# torch.nn.init functions that need a parameter with this many axes.
NUM_AXES: Mapping[str, tuple[range, str]] = {
    "eye_": (range(2, 3), "a matrix"),
    "sparse_": (range(2, 3), "a matrix"),
    "dirac_": (range(3, 6), "the weight of a convolution"),
    "orthogonal_": (range(2, 6), "a matrix or the weight of a convolution"),
    "xavier_uniform_": (range(2, 6), "a matrix or the weight of a convolution"),
    "xavier_normal_": (range(2, 6), "a matrix or the weight of a convolution"),
    "kaiming_uniform_": (range(2, 6), "a matrix or the weight of a convolution"),
    "kaiming_normal_": (range(2, 6), "a matrix or the weight of a convolution"),
    "lecun_normal_": (range(2, 6), "a matrix or the weight of a convolution"),
    "lsuv_": (range(2, 6), "the weight of a Linear or a convolution"),
}
# Layers whose output scales with their weight, which is all that LSUV needs.
LSUV_PREFIXES = ("Linear", "Conv")


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate whose bias has a name of its own in init rules.

    Attributes:
        parameter: The pseudo-parameter (`LSTM.forget_bias`).
        index: Which block of rows the gate is, in torch's order.
    """

    parameter: str
    index: int


GATES: Mapping[str, Gate] = {
    "LSTM": Gate("forget_bias", 1),  # i, f, g, o
    "GRU": Gate("update_bias", 1),  # r, z, n
}


def rule_for(rules: Sequence[InitRule], node: Node, parameter: str) -> list[InitRule]:
    """The rules that fill a parameter, in order: later ones overwrite."""
    return [rule for rule in rules if fills(rule, node, parameter)]


def fills(rule: InitRule, node: Node, parameter: str) -> bool:
    """Whether the rule's glob matches `<LayerType>.<parameter>` or the path's."""
    return fnmatchcase(f"{node.layer.kind}.{parameter}", rule.match) or fnmatchcase(
        f"{node.path}.{parameter}", rule.match
    )


def gate_rules(rules: Sequence[InitRule], node: Node) -> list[InitRule]:
    """The rules that set the gate bias of a recurrent layer, in order."""
    return [rule for rule in rules if sets_gate(rule, node)]


def sets_gate(rule: InitRule, node: Node) -> bool:
    """Whether the rule names the gate's bias: a wildcard for it does not count."""
    layer = node.layer
    gate = GATES.get(layer.kind)
    if gate is None or not isinstance(layer, Recurrent) or not layer.bias:
        return False
    head, _, parameter = rule.match.rpartition(".")
    return parameter == gate.parameter and (
        fnmatchcase(layer.kind, head) or fnmatchcase(node.path, head)
    )


def unmatched(rules: Sequence[InitRule], nodes: Sequence[Node]) -> list[InitRule]:
    """The rules that match nothing.

    Args:
        rules: The spec's `init`.
        nodes: Every node of the network, walked.
    """
    return [rule for rule in rules if not any(_targets(rule, n) for n in nodes)]


def notes_on_rules(rules: Sequence[InitRule], nodes: Sequence[Node]) -> list[str]:
    """What a result says of rules that match nothing; arguments as of `unmatched`."""
    lost = unmatched(rules, nodes)
    return [f"init rule {rule.match!r} matches no parameter" for rule in lost]


def _targets(rule: InitRule, node: Node) -> bool:
    return sets_gate(rule, node) or any(
        fills(rule, node, parameter) for parameter in node.parameters
    )


def check_rules(
    rules: Sequence[InitRule], nodes: Sequence[Node], pointer: str = ""
) -> None:
    """Refuses functions that cannot fill what their rule matches.

    Args:
        rules: The spec's `init`.
        nodes: The top-level nodes.
        pointer: Where the spec stands inside what the caller sent.

    Raises:
        InvalidDocumentError: One problem for every such rule.
    """
    every = [node for top in nodes for node in top.walk()]
    problems = []
    for index, rule in enumerate(rules):
        problem = next(_misfits(rule, every), None)
        if problem is not None:
            problems.append(Problem(f"{pointer}/init/{index}", problem))
    if problems:
        raise InvalidDocumentError(problems)


def _misfits(rule: InitRule, nodes: Sequence[Node]) -> Iterator[str]:
    """What is wrong with a rule, place by place."""
    for node in nodes:
        if rule.fn is not None and sets_gate(rule, node):
            gate = GATES[node.layer.kind].parameter
            yield f"{gate} takes a number: write 'value' in place of 'fn'"
        if rule.fn in NUM_AXES:
            for parameter, shape in node.parameters.items():
                if not _fits(rule, node, shape) and fills(rule, node, parameter):
                    yield _advice(rule, node, parameter, shape)


def _fits(rule: InitRule, node: Node, shape: Shape) -> bool:
    assert rule.fn is not None
    axes, _ = NUM_AXES[rule.fn]
    if len(shape) not in axes:
        return False
    if rule.fn == "lsuv_":
        return node.layer.kind.startswith(LSUV_PREFIXES)
    return rule.fn != "dirac_" or shape[0] % rule.arguments()["groups"] == 0


def _advice(rule: InitRule, node: Node, parameter: str, shape: Shape) -> str:
    assert rule.fn is not None
    _, wanted = NUM_AXES[rule.fn]
    by_groups = rule.fn == "dirac_" and shape
    groups = f", and groups must divide {shape[0]}" if by_groups else ""
    return (
        f"{rule.fn} fills {wanted}{groups}, but '{rule.match}' also matches "
        f"{parameter} of {node.path}, a {node.layer.kind}, with the shape "
        f"{list(shape)}: narrow the match"
    )
