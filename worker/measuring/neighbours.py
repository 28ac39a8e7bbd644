"""Whether inputs tell anything about targets, asked without any network."""

import torch
from torch import Tensor

# Neighbours that vote, and samples that are asked: enough to tell 0 from 0.1.
NUM_NEIGHBOURS, MAX_SAMPLES = 5, 512


def neighbour_progress(x: Tensor, y: Tensor) -> float | None:
    """How far the nearest neighbours get from the best constant predictor.

    Leave-one-out (Cover & Hart 1967): a sample is predicted by the samples whose inputs
    lie nearest. Random targets give 0, whatever the network.

    Args:
        x: [n, ...] inputs.
        y: [n] classes, or [n, ...] values.

    Returns:
        For classes (accuracy - share of the most frequent) / (1 - that share), for
        values the share of the variance that is explained; null for tokens, and where
        nothing is left after samples that are not finite.
    """
    if not x.is_floating_point():
        return None
    n = min(len(x), MAX_SAMPLES)
    x, y = x[:n].reshape(n, -1).double(), y[:n].reshape(n, -1).double()
    finite = (x.isfinite().all(1) & y.isfinite().all(1)).nonzero().flatten()
    x, y = x[finite], y[finite]
    if len(x) <= NUM_NEIGHBOURS:
        return None
    spread = x.std(0)
    x = x / spread.where(spread > 0, 1.0)
    distances = torch.cdist(x, x)
    nearest = distances.fill_diagonal_(torch.inf).topk(NUM_NEIGHBOURS, largest=False)
    return _explained(y[nearest.indices], y)


def _explained(votes: Tensor, y: Tensor) -> float | None:
    """Of [n, k, d] votes on [n, d] targets."""
    is_classes = y.shape[1] == 1 and bool((y == y.round()).all())
    if is_classes:
        hit = (votes.mode(dim=1).values == y).double().mean().item()
        constant = (y == y.mode(dim=0).values).double().mean().item()
        return None if constant == 1 else (hit - constant) / (1 - constant)
    variance = y.var(dim=0, unbiased=False).sum().item()
    error = (votes.mean(dim=1) - y).square().mean(dim=0).sum().item()
    return None if variance == 0 else 1 - error / variance
