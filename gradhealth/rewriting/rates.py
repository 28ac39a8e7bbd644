"""The learning rates that people start with."""

from ..schemas.training import SGD, Optimizer

SGD_RATE = 0.1
# Momentum 0.9 multiplies the step by 10 in the long run.
MOMENTUM_RATE, MIN_MOMENTUM = 0.01, 0.5
ADAPTIVE_RATE = 1e-3


def customary_rate(optimizer: Optimizer) -> float:
    """A rate that commonly works for the optimizer on normalised data."""
    if not isinstance(optimizer, SGD):
        return ADAPTIVE_RATE
    return MOMENTUM_RATE if optimizer.momentum >= MIN_MOMENTUM else SGD_RATE
