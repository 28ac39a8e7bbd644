"""Fills a built model's parameters by the spec's init rules."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

from gradhealth.architecture.initialisation import GATES, fills, sets_gate
from gradhealth.architecture.network import Network, Node
from gradhealth.layers.recurrent import Recurrent
from gradhealth.schemas.training import INIT_FUNCTIONS, InitRule

from .build import Model
from .seeding import stream

# Mishkin & Matas (2016) stop at a variance within 0.1 of 1. The output is linear in
# the weight, so that one turn is exact unless a bias takes part; ten are their limit.
LSUV_TOLERANCE = 0.01
LSUV_MAX_TURNS = 10

# Standard deviations beyond which no normal number is ever drawn in float32.
REACH = 8.0

AUTOMATIC_SHORTCUT = InitRule(match="*", fn="lecun_normal_")


def initialise(model: Model, network: Network, first_batch: Tensor, seed: int) -> None:
    """Applies the init rules; what no rule names keeps torch's default.

    Args:
        model: As built, in float32 on the CPU.
        network: What the model was built from.
        first_batch: Inputs [batch, ...] for `lsuv_`.
        seed: Draws the weights; torch's global generator is left as it was.
    """
    entropy = stream(seed, "initialisation").generate_state(1, "uint64")[0]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(int(entropy))
        gains: dict[str, float] = {}
        for node in network.walk():
            for name, parameter in model.parameters_of(node.path).items():
                for rule in _rules_of(network.spec.init, node, name):
                    _fill(rule, node, name, parameter)
                    if rule.fn == "lsuv_":
                        gains[node.path] = 1.0 if rule.gain is None else rule.gain
        if gains:
            _scale_to_unit_variance(model, gains, first_batch)


def _rules_of(rules: Sequence[InitRule], node: Node, parameter: str) -> list[InitRule]:
    """The last rule that fills the whole parameter, and those that set a gate later."""
    chosen = [AUTOMATIC_SHORTCUT] if node.automatic else []
    for rule in rules:
        if fills(rule, node, parameter):
            chosen = [rule]
        elif parameter.startswith("bias") and sets_gate(rule, node):
            chosen.append(rule)
    return chosen


def _fill(rule: InitRule, node: Node, name: str, parameter: Tensor) -> None:
    layer = node.layer
    if not isinstance(layer, Recurrent):
        _apply(rule, parameter)
    elif sets_gate(rule, node):
        gate = parameter.chunk(layer.num_gates)[GATES[layer.kind].index]
        if name.startswith("bias_ih"):
            _apply(rule, gate)
        else:  # torch adds both biases: this one must not disturb the other
            gate.zero_()
    elif name.startswith(("weight_ih", "weight_hh")):
        for block in parameter.chunk(layer.num_gates):
            _apply(rule, block)
    else:
        _apply(rule, parameter)


def _apply(rule: InitRule, tensor: Tensor) -> None:
    if rule.fn is None:
        assert rule.value is not None
        tensor.fill_(rule.value)
        return
    fill = _OURS[rule.fn] if rule.fn in _OURS else getattr(nn.init, rule.fn)
    fill(tensor, **rule.arguments())
    if rule.gain is not None and "gain" not in INIT_FUNCTIONS[rule.fn]:
        tensor.mul_(rule.gain)


def _lecun_normal(tensor: Tensor) -> None:
    """N(0, 1 / fan_in) (LeCun 1998); a convolution's fan in is one window's size."""
    tensor.normal_(0, 1 / math.sqrt(tensor[0].numel()))


def _trunc_normal(tensor: Tensor, mean: float, std: float, a: float, b: float) -> None:
    """`trunc_normal_`, its bounds near enough for its search for a draw to end."""
    reach = REACH * std
    nn.init.trunc_normal_(tensor, mean, std, max(a, mean - reach), min(b, mean + reach))


_OURS: Mapping[str, Callable[..., object]] = {
    "lecun_normal_": _lecun_normal,
    "trunc_normal_": _trunc_normal,
    "lsuv_": nn.init.orthogonal_,  # scaled once every parameter is filled
}


def _scale_to_unit_variance(
    model: Model, gains: Mapping[str, float], first_batch: Tensor
) -> None:
    """Layer-sequential unit variance (Mishkin & Matas 2016), in one forward pass.

    Each layer is scaled as the batch reaches it, and passes on the scaled output.
    A gain g asks for the variance g^2.
    """
    with ExitStack() as hooks:
        for path, gain in gains.items():
            module = model.modules_by_path[path]
            hook = module.register_forward_hook(partial(_rescale, gain))
            hooks.callback(hook.remove)
        model(first_batch)


def _rescale(
    gain: float, module: nn.Module, inputs: tuple[Tensor], output: Tensor
) -> Tensor:
    weight, wanted = module.get_parameter("weight"), gain * gain
    for _ in range(LSUV_MAX_TURNS):
        variance = output.var().item()
        # A dead, diverged or constant input has no variance that could be scaled.
        if not 0 < variance < math.inf:
            break
        if abs(variance - wanted) <= LSUV_TOLERANCE * wanted:
            break
        weight.mul_(math.sqrt(wanted / variance))
        output = module.forward(*inputs)
    return output
