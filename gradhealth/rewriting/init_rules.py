"""Edits of a spec's init rules."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ..architecture.initialisation import fills, sets_gate
from ..architecture.network import Network, Node
from ..schemas.training import InitRule
from .anatomy import is_weighted
from .laws import ZEROS, Rule


def with_init(
    document: Mapping[str, Any], network: Network, rules: Sequence[Rule]
) -> dict[str, Any]:
    """The document with init rules added, which have the last word.

    Rules that would then have no effect make room for them.
    """
    overwritten = {
        target
        for rule in rules
        for target in _targets(InitRule.model_validate(rule), network)
    }
    merged: list[Rule] = []
    place = None  # where the first rule without effect stood
    for rule, parsed in zip(document.get("init", []), network.spec.init, strict=True):
        targets = _targets(parsed, network)
        if targets and targets <= overwritten:
            place = len(merged) if place is None else place
            continue
        merged.append(rule)
        if targets & overwritten:
            place = len(merged)
    place = len(merged) if place is None else place
    merged[place:place] = rules
    return {**document, "init": merged}


def with_weights(
    document: Mapping[str, Any], network: Network, law: Rule
) -> dict[str, Any]:
    """The document with weights drawn by `law` and biases at 0.

    Concerns every Linear and convolution; what is drawn so already stays as written.
    """
    rules = [{"match": f"{kind}.weight"} | law for kind in _unlike(network, law)]
    return with_init(document, network, rules + zero_biases(network))


def follows(network: Network, law: Rule) -> bool:
    """Whether all weights are drawn by `law`, be it uniform or normal."""
    return not _unlike(network, law)


def _unlike(network: Network, law: Rule) -> list[str]:
    """The layers some of whose weights are drawn by another law."""
    wanted = _law(InitRule.model_validate({"match": ""} | law))
    return [
        kind
        for kind, nodes in _weighted(network).items()
        if any(_law(_effective(network, node, "weight")) != wanted for node in nodes)
    ]


def zero_biases(network: Network) -> list[Rule]:
    """The rules that set to 0 the biases of Linear and convolutions which are not."""
    return [
        {"match": f"{kind}.bias"} | ZEROS
        for kind, nodes in _weighted(network).items()
        if not all(
            _is_zero(_effective(network, node, "bias"))
            for node in nodes
            if "bias" in node.parameters
        )
    ]


def _weighted(network: Network) -> dict[str, list[Node]]:
    """The Linear and convolution nodes by the name of their layer."""
    found = defaultdict[str, list[Node]](list)
    for node in network.walk():
        if is_weighted(node):
            found[node.layer.kind].append(node)
    return found


def _effective(network: Network, node: Node, parameter: str) -> InitRule | None:
    """The rule that has the last word on a parameter; null: torch's default."""
    rules = [rule for rule in network.spec.init if fills(rule, node, parameter)]
    return rules[-1] if rules else None


def _is_zero(rule: InitRule | None) -> bool:
    if rule is None:
        return False
    constant = rule.fn == "zeros_" or (rule.fn == "constant_" and rule.val == 0)
    return constant or rule.value == 0


def _law(rule: InitRule | None) -> tuple[Any, ...]:
    """What decides the variance: uniform and normal draws of one law are equal."""
    if rule is None or rule.fn is None:
        return (rule and rule.value,)
    stem = rule.fn.removesuffix("normal_").removesuffix("uniform_")
    gain = rule.gain or 1.0
    match stem:
        case "xavier_" | "lecun_":
            return (stem, gain)
        case "kaiming_":
            return (stem, gain * _kaiming_gain(rule), rule.mode or "fan_in")
        case _:
            return (rule.fn, *rule.arguments().values(), gain)


def _kaiming_gain(rule: InitRule) -> float:
    """The gain that torch's kaiming functions take for a nonlinearity."""
    match rule.nonlinearity:
        case None | "leaky_relu":
            return math.sqrt(2 / (1 + (rule.a or 0.0) ** 2))
        case "relu":
            return math.sqrt(2)
        case "tanh":
            return 5 / 3
        case "selu":
            return 3 / 4
        case _:
            return 1.0


def _targets(rule: InitRule, network: Network) -> set[tuple[str, str]]:
    """Path and parameter of everything that the rule fills."""
    filled = {
        (node.path, parameter)
        for node in network.walk()
        for parameter in node.parameters
        if fills(rule, node, parameter)
    }
    gates = {(node.path, "gate") for node in network.walk() if sets_gate(rule, node)}
    return filled | gates
