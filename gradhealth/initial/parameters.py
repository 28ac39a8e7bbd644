"""Draws parameters as the init rules say."""

import math
from collections.abc import Sequence

import numpy as np

from ..architecture.expansion import Node
from ..layers.base import Shape
from ..schemas.training import InitRule
from ..theory.initial import law_of
from .exceptions import UnmeasurableError
from .values import Values


def draw(
    rules: Sequence[InitRule], node: Node, parameter: str, random: np.random.Generator
) -> Values:
    """A parameter of a layer.

    Mean and variance are those of its init function and the numbers are normal: sums
    of many products do not feel the difference.

    Args:
        rules: The spec's `init`.
        node: The layer.
        parameter: torch's name of it; zero where the layer has none.
        random: Where the numbers come from.

    Raises:
        UnmeasurableError: The numbers depend on data (LSUV).
    """
    law, shape = law_of(rules, node, parameter), node.parameters.get(parameter, ())
    if law.output_std:
        raise UnmeasurableError("lsuv_ looks at data")
    if law.orthogonal:
        return _orthogonal(shape, random) * math.sqrt(law.variance * max(shape))
    if law.identity:
        return law.identity * np.eye(shape[0], shape[1])
    return law.mean + math.sqrt(law.variance) * random.standard_normal(shape)


def _orthogonal(shape: Shape, random: np.random.Generator) -> Values:
    """[rows, columns] with orthonormal rows or columns, whichever are fewer."""
    tall = random.standard_normal((max(shape), min(shape)))
    q, _ = np.linalg.qr(tall)
    return q if shape[0] >= shape[1] else q.T
