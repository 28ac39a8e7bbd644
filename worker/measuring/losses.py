"""The losses, as means over samples (and positions or target dimensions)."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gradhealth.architecture.targets import Goal
from gradhealth.exceptions import JobError

LossFunction = Callable[[Tensor, Tensor], Tensor]


def loss_function(goal: Goal) -> LossFunction:
    """The loss of a network's output and the target.

    The output is [batch, *dims] for values and [batch, *dims, classes] for classes
    and tokens, whose target is [batch, *dims] of whole numbers.
    """
    return LOSSES[goal.loss]


def _cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output.flatten(0, -2), target.flatten())


def _nll_of_softmax(output: Tensor, target: Tensor) -> Tensor:
    """The log of a softmax taken apart: log(0) where float32 underflows."""
    probabilities = torch.softmax(output, -1)
    chosen = probabilities.gather(-1, target.unsqueeze(-1))
    return -torch.log(chosen).mean()


def _bce_with_logits(output: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(output, _one_hot(output, target))


def _bce(output: Tensor, target: Tensor) -> Tensor:
    # torch refuses NaN here; as a loss it is a finding.
    lowest, highest = output.detach().aminmax()
    if lowest.isnan():
        return output.mean()
    if lowest < 0 or highest > 1:
        raise JobError(
            f"the loss 'bce' needs probabilities, but the network's output goes from "
            f"{lowest.item():.3g} to {highest.item():.3g}: end with Sigmoid, or use "
            "'bce_with_logits'"
        )
    return functional.binary_cross_entropy(output, _one_hot(output, target))


def _mse_onehot(output: Tensor, target: Tensor) -> Tensor:
    return functional.mse_loss(torch.sigmoid(output), _one_hot(output, target))


def _one_hot(output: Tensor, target: Tensor) -> Tensor:
    """1 at the target's class; with a single output, the class (0 or 1) itself."""
    width = output.shape[-1]
    if width == 1:
        return target.unsqueeze(-1).to(output.dtype)
    return functional.one_hot(target, width).to(output.dtype)


LOSSES: Mapping[str, LossFunction] = {
    "cross_entropy": _cross_entropy,
    "nll_of_softmax": _nll_of_softmax,
    "bce_with_logits": _bce_with_logits,
    "bce": _bce,
    "mse_onehot": _mse_onehot,
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
}
