"""Why gradients vanish, explode or die in an architecture: the responsible part."""

import math
from collections import Counter

import numpy as np

from .architecture.network import Network, Node
from .layers.activation import Activation, Softmax
from .layers.block import Highway, Residual
from .layers.recurrent import Recurrent
from .schemas.finding import Cause
from .schemas.training import SGD, AdamW, Training
from .statistics import LOG10_ZERO, Statistics

# Slopes of at most this much shrink a gradient whatever the weights' usual scale.
GENTLE = {"Sigmoid": 0.25, "Hardsigmoid": 1 / 6, "Softmax": 0.25}
# One layer is to blame when it alone takes this share of the whole decay.
LONE_SHARE = 0.5
# A factor this near to 1 is as good as any initialisation gives.
NEAR_ONE = 0.93
LARGE_INPUT = 10.0
# A backward factor a layer beyond this, or a first loss so far above the trivial one,
# comes from the initial weights and not from the learning rate.
STEEP_GROWTH, LARGE_FIRST_LOSS = 1.5, 10.0
LARGE_TARGET_VARIANCE = 100.0
# What decay alone leaves of weights that it is said to have taken.
DECAYED = 0.1


def of_decay(statistics: Statistics, network: Network | None) -> Cause:
    """Why the backward gain is small."""
    decades = statistics.log10_gain.mean(axis=0)
    steps = decades[1:] - decades[:-1]
    if not len(steps) or network is None:
        return Cause(kind="unknown", text="The gradient shrinks on its way back.")
    paths = [layer.path for layer in statistics.stations]
    total = float(-decades.min())
    worst = int(steps.argmax())
    if -total <= LOG10_ZERO:
        return Cause(
            kind="initialisation",
            layers=[paths[worst + 1]],
            text=f"No gradient passes from {paths[worst + 1]} to {paths[worst]}: the "
            "weights are 0, or the units between are off for every input.",
        )
    if len(steps) > 2 and steps[worst] > LONE_SHARE * total:  # noqa: PLR2004 -- a chain
        return Cause(
            kind="initialisation",
            layers=[paths[worst + 1]],
            text=f"One layer breaks the chain: {paths[worst + 1]} alone passes on "
            f"{10 ** -steps[worst]:.2g} of the gradient.",
        )
    factor = 10 ** (-total / len(steps))
    name, nodes = dominant_activation(network)
    where = [node.path for node in nodes]
    over = f"over each of {len(steps)} layers" if len(steps) > 1 else "over one layer"
    chain = f"{factor:.3g} of the gradient {over}"
    if name in GENTLE:
        return Cause(
            kind="activation",
            layers=where,
            text=f"{name}'s slope is at most {GENTLE[name]:.2f}, which leaves {chain}.",
        )
    if factor < NEAR_ONE:
        return Cause(
            kind="initialisation",
            layers=paths,
            text=f"The initial weights are too small for {name or 'this network'}: "
            f"they leave {chain}.",
        )
    return Cause(
        kind="depth",
        layers=paths,
        text=f"Each layer is near its best, but {len(steps)} of them leave {chain}.",
    )


def of_growth(statistics: Statistics, network: Network | None) -> Cause:
    """Why the backward gain is large."""
    decades = statistics.log10_gain.mean(axis=0)
    num_factors = max(1, len(decades) - 1)
    factor = 10 ** (float(decades.max()) / num_factors)
    paths = [layer.path for layer in statistics.stations]
    chain = f"by {factor:.2f} at each of {num_factors} layers"
    if network is None:
        return Cause(kind="unknown", text=f"The gradient grows {chain}.")
    if has_layer(network, Residual) and not has_norm(network):
        blocks = [n.path for n in network.nodes if isinstance(n.layer, Residual)]
        return Cause(
            kind="residual",
            layers=blocks,
            text="The residual branches are neither scaled nor normalised: each adds "
            f"its gradient to the skip's, which grows {chain}.",
        )
    if has_norm(network) and not has_layer(network, (Residual, Highway)):
        return Cause(
            kind="normalisation",
            layers=paths,
            text=f"Normalisation without skips makes the gradient grow {chain} "
            "(Yang 2019).",
        )
    return Cause(
        kind="initialisation",
        layers=paths,
        text=f"The initial weights are too large: the gradient grows {chain}.",
    )


def of_divergence(statistics: Statistics, network: Network | None) -> Cause:
    """Why training diverges although the gradients start out well."""
    if scale := _of_scales(statistics, network):
        return scale
    if network is None:
        return Cause(kind="learning_rate", text="The steps are too large.")
    if _growth(statistics) > STEEP_GROWTH:
        return of_growth(statistics, network)
    if outputs := of_large_outputs(statistics):
        return outputs
    updates = statistics.at_start("update_ratio")
    largest = float(np.max(np.nan_to_num(updates, posinf=0.0), initial=0.0))
    return Cause(
        kind="learning_rate",
        text=f"The learning rate {network.spec.training.optimizer.lr:g} is too high: "
        f"the largest first update is {largest:.2g} of its weights, and the loss runs "
        "away.",
    )


def _of_scales(statistics: Statistics, network: Network | None) -> Cause | None:
    """Numbers that come into the network, or into its loss, far too large."""
    rms = statistics.context.input_rms
    if rms is not None and rms > LARGE_INPUT:
        return Cause(
            kind="input_scale",
            text=f"The inputs are large (RMS {rms:.3g}), so the first steps are too.",
        )
    if network is None:
        return None
    if targets := of_large_targets(statistics, network):
        return targets
    if network.spec.training.loss_scale > 1:
        return Cause(
            kind="loss",
            text=f"The loss is multiplied by {network.spec.training.loss_scale:g} and "
            "its gradients are not divided again.",
        )
    return None


def of_large_targets(statistics: Statistics, network: Network) -> Cause | None:
    """Values to be predicted that are far larger than the first outputs."""
    trivial = statistics.trivial_loss
    if network.goal.kind != "values" or not trivial > LARGE_TARGET_VARIANCE:
        return None
    return Cause(
        kind="target_scale",
        text=f"The targets are large (loss of the best constant {trivial:.3g}), so the "
        "loss and its gradient are too, and the outputs have far to go.",
    )


def of_decoupled_decay(statistics: Statistics, training: Training) -> Cause | None:
    """A decay that by itself takes nearly all weights away within the run.

    Of SGD and AdamW, which take lr * decay of the weights at each step.
    """
    optimizer = training.optimizer
    share = optimizer.lr * optimizer.weight_decay
    left = math.exp(-share * statistics.num_steps)
    if not isinstance(optimizer, SGD | AdamW) or left > DECAYED:
        return None
    return Cause(
        kind="weight_decay",
        text=f"Weight decay {optimizer.weight_decay:g} takes {share:.2g} of the "
        "weights at each step, and with them what the gradient has just added.",
    )


def of_squashed_scores(network: Network) -> Cause | None:
    """A softmax before a loss that takes another: it cannot become small."""
    last = network.nodes[-1]
    if network.goal.loss != "cross_entropy" or not isinstance(last.layer, Softmax):
        return None
    return Cause(
        kind="loss",
        layers=[last.path],
        text=f"{last.path} is a Softmax, and cross_entropy takes scores and applies "
        "another: the most certain of probabilities remain a faint preference.",
    )


def _first_loss_ratio(statistics: Statistics) -> float:
    """Loss of the first batch over that of the best constant; NaN: unknown."""
    ratios = statistics.loss_first / statistics.trivial_loss
    known = ratios[np.isfinite(ratios)]
    return float(np.mean(known)) if len(known) else math.nan


def of_large_outputs(statistics: Statistics) -> Cause | None:
    """The initial weights, where the loss starts far above that of a constant."""
    ratio = _first_loss_ratio(statistics)
    if not ratio > LARGE_FIRST_LOSS:
        return None
    return Cause(
        kind="initialisation",
        layers=[layer.path for layer in statistics.stations],
        text="The initial weights are too large: the first outputs are so far off that "
        f"the loss starts at {ratio:.3g} times that of the best constant.",
    )


def _growth(statistics: Statistics) -> float:
    """Backward factor a layer, geometric mean from the last station to the largest."""
    decades = statistics.log10_gain.mean(axis=0)
    num_factors = max(1, len(decades) - 1)
    return float(10 ** (np.max(decades, initial=0.0) / num_factors))


def dominant_activation(network: Network) -> tuple[str | None, list[Node]]:
    """The most frequent activation and its nodes."""
    nodes = [n for n in network.walk() if isinstance(n.layer, Activation)]
    if not nodes:
        return None, []
    [(name, _)] = Counter(node.layer.kind for node in nodes).most_common(1)
    return name, [node for node in nodes if node.layer.kind == name]


def has_layer(network: Network, kind: type | tuple[type, ...]) -> bool:
    """Whether any layer, however deep inside, is of the kind."""
    return any(isinstance(node.layer, kind) for node in network.walk())


def has_norm(network: Network) -> bool:
    """Whether any layer normalises."""
    return any(
        "Norm" in node.layer.kind or node.layer.kind == "TransformerEncoderLayer"
        for node in network.walk()
    )


def is_recurrent(network: Network | None) -> bool:
    """Whether the depth of the network is time."""
    return network is not None and has_layer(network, Recurrent)
